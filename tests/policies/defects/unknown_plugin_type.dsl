# expect: unknown_plugin 3
MODEL m {}
PLUGIN cache semantic_cash { enabled: true }
ROUTE rest { MODEL "m"  PLUGIN cache }
