# expect: contradiction 6
MODEL m {}
MODEL n {}
SIGNAL authz staff { subjects: [{ kind: "group", name: "staff" }, { kind: "group", name: "board" }] }
SIGNAL authz board { subjects: [{ kind: "group", name: "board" }] }
ROUTE odd { PRIORITY 9  WHEN authz("board") AND NOT authz("staff")  MODEL "m" }
ROUTE rest { MODEL "n" }
