# Easy, medium and hard texts, without a rest: a text is one of them.
MODEL think/little {}
MODEL think/some {}
MODEL think/much {}

SIGNAL complexity effort {
  threshold: 0.1
  hard: { candidates: ["Prove that the series converges and bound its rest", "Design a schema that survives a split of the network"] }
  easy: { candidates: ["What is the capital of Peru", "How do you spell necessary"] }
}

ROUTE easy { WHEN complexity("effort:easy")  MODEL "think/little" }
ROUTE medium { WHEN complexity("effort:medium")  MODEL "think/some" (reasoning = false) }
ROUTE hard { WHEN complexity("effort")  MODEL "think/much" (reasoning = true) }
