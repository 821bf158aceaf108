# expect: not_exhaustive
GLOBAL { strategy: "priority" }
