# An open question goes back to who asked it, whatever the words are.
MODEL talk/main {}
MODEL talk/second {}

SIGNAL phase answering { phases: ["awaiting_input", "awaiting_choice"] }
SIGNAL phase approving { phases: ["awaiting_approval"] }
SIGNAL holder by_tasks { agents: ["tasks"] }

ROUTE approval { TIER 1  WHEN phase("approving")  AGENT "tasks"  PLUGIN tools { mode: "none" } }
ROUTE answers { TIER 2  WHEN phase("answering") AND holder("by_tasks")  AGENT "tasks"  MODEL "talk/main" }
ROUTE others { TIER 3  WHEN phase("answering")  MODEL "talk/second" }
ROUTE rest { TIER 4  MODEL "talk/main" }

TEST turns {
  "yes" (phase = "awaiting_approval") -> approval
  "the second one" (phase = "awaiting_choice", holder = "tasks") -> answers
  "the second one" (phase = "awaiting_choice") -> others
  "hello" -> rest
}
