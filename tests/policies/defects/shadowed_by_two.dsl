# expect: shadowed 8
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
SIGNAL authz staff { subjects: [{ kind: "group", name: "staff" }] }
ROUTE inside { PRIORITY 30  WHEN authz("staff")  MODEL "m" }
ROUTE outside { PRIORITY 20  WHEN NOT authz("staff") AND keyword("loud")  MODEL "n" }
ROUTE caught { PRIORITY 10  WHEN keyword("loud")  MODEL "m" }
ROUTE rest { MODEL "m" (reasoning = true) }
