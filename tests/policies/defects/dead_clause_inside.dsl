# expect: dead_clause 8
MODEL m {}
MODEL n {}
SIGNAL authz staff { subjects: [{ kind: "group", name: "staff" }] }
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
ROUTE some {
  PRIORITY 1
  WHEN NOT authz("staff") AND (authz("staff") OR keyword("loud"))
  MODEL "m"
}
ROUTE rest { MODEL "n" }
