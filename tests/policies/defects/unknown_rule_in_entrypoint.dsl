# expect: unknown_rule
MODEL m {}
RECIPE default { ROUTE rest { MODEL "m" } }
ENTRYPOINT { model_names: ["auto"]  recipe: "default"  assignments: [{ decision: "reste", models: [{ model: "m" }] }] }
