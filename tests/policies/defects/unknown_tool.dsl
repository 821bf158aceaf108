# expect: unknown_tool 4
# known: tools search read_file
MODEL m {}
ROUTE rest { MODEL "m"  PLUGIN tools { mode: "filtered"  allow_tools: ["search", "read_files"] } }
