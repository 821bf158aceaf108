# Attempts get a fixed answer and no model.
MODEL chat/open {}

SIGNAL jailbreak strict { threshold: 0.9 }
SIGNAL jailbreak loose { threshold: 0.5 }

ROUTE refuse {
  PRIORITY 100
  WHEN jailbreak("strict")
  PLUGIN fast_response { message: "This assistant does not do that." }
}
ROUTE watch {
  PRIORITY 50
  WHEN jailbreak("loose") AND NOT jailbreak("strict")
  MODEL "chat/open"
  PLUGIN tools { mode: "none" }
}
ROUTE open { MODEL "chat/open" }
