# expect: grant_from_text 5
MODEL m {}
SIGNAL keyword please { operator: "OR"  keywords: ["please"] }
SIGNAL authz staff { subjects: [{ kind: "group", name: "staff" }] }
GRANT safe.open { WHEN authz("staff") OR keyword("please") }
ROUTE rest { MODEL "m" }
