# Confidence decides, and no two of the routes can hold together.
MODEL desk/a {}
MODEL desk/b {}
MODEL desk/c {}

SIGNAL embedding gardens { threshold: 0.5  candidates: ["How do I prune roses", "When to plant tomatoes"] }
SIGNAL embedding engines { threshold: 0.5  candidates: ["The motor stalls at idle", "Replace the timing belt"] }

ROUTE plants { WHEN embedding("gardens") AND NOT embedding("engines")  MODEL "desk/a" }
ROUTE motors { WHEN embedding("engines") AND NOT embedding("gardens")  MODEL "desk/b" }
ROUTE rest { MODEL "desk/c" }

GLOBAL { strategy: "confidence" }
