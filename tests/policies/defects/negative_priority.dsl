# expect: out_of_range 5
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
ROUTE loud { PRIORITY -5  WHEN keyword("loud")  MODEL "m" }
GLOBAL { default_model: "n" }
