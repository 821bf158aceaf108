# expect: unknown_type 3
MODEL m {}
PROJECTION scores risk { method: "weighted_sum"  inputs: [] }
ROUTE rest { MODEL "m" }
