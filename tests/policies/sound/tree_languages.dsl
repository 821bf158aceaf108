# Languages exclude each other, so the order of the branches does not matter.
MODEL tongue/fr {}
MODEL tongue/de {}
MODEL tongue/en {}

SIGNAL language fr { description: "French" }
SIGNAL language de { description: "German" }

DECISION_TREE by_language {
  IF language("fr") { NAME "french"  MODEL "tongue/fr" }
  ELSE IF language("de") { NAME "german"  MODEL "tongue/de" }
  ELSE { NAME "others"  MODEL "tongue/en" }
}

TEST tongues {
  "Quelle est la capitale de la France et combien d'habitants a-t-elle ?" -> french
  "Wie heißt die Hauptstadt von Frankreich und wie viele Menschen leben dort?" -> german
  "What is the capital of France and how many people live there?" -> others
}
