# Who may use which agent, and when; a grant rests on who is calling, never on what they write.
MODEL office/local {}
MODEL office/cloud {}

SIGNAL authz analyst { subjects: [{ kind: "group", name: "data-team" }, { kind: "user", name: "dana" }] }
SIGNAL authz clerk { subjects: [{ kind: "group", name: "front-desk" }] }
SIGNAL time workday { days: ["mon", "tue", "wed", "thu", "fri"]  from: "07:00"  to: "20:00" }
SIGNAL phase quiet { phases: ["idle", "engaged"] }
SIGNAL pii personal { threshold: 0.6  pii_types_allowed: [] }
SIGNAL keyword figures { operator: "OR"  keywords: ["revenue", "turnover", "how many orders"] }

GRANT data.read { WHEN authz("analyst") AND time("workday") }
GRANT tasks.write { WHEN authz("clerk") OR authz("analyst") }

AGENT data { grants: ["data.read"]  WHEN NOT pii("personal") }
AGENT tasks { grants: ["tasks.write"]  WHEN phase("quiet") }

ROUTE confidential { PRIORITY 90  WHEN pii("personal")  MODEL "office/local"  AGENT NONE }
ROUTE analysis { PRIORITY 50  WHEN keyword("figures") AND authz("analyst")  MODEL "office/cloud"  AGENT "data" }
ROUTE work { PRIORITY 10  WHEN authz("clerk") OR authz("analyst")  MODEL "office/cloud"  AGENT "tasks" }
ROUTE visitors { MODEL "office/cloud"  AGENT NONE }

TEST doors {
  "what was the revenue in May" (user = "dana", time = "2026-11-30T10:00+00:00") -> analysis
  "what was the revenue in May" (grants = ["group:front-desk"]) -> work
  "what was the revenue in May" -> visitors
  "mail it to jo@example.org" (user = "dana") -> confidential
}
