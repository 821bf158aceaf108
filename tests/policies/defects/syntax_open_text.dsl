# expect: syntax 3
MODEL m {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud] }
ROUTE b { MODEL "m" }
