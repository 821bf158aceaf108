# expect: unknown_plugin 3
MODEL m {}
ROUTE rest { MODEL "m"  PLUGIN semantic_cash { enabled: true } }
