# A tree: the first branch that holds is taken.
MODEL care/human_like {}
MODEL care/technical {}
MODEL care/plain {}

SIGNAL keyword angry { operator: "OR"  keywords: ["unacceptable", "complaint", "furious"] }
SIGNAL keyword broken { operator: "OR"  keywords: ["crash", "error code", "does not start"] }
SIGNAL authz premium { subjects: [{ kind: "group", name: "premium" }] }

DECISION_TREE support {
  IF keyword("angry") AND authz("premium") {
    NAME "soothe"
    MODEL "care/human_like"
  }
  ELSE IF keyword("broken") {
    NAME "repair"
    MODEL "care/technical"
  }
  ELSE IF keyword("angry") {
    NAME "listen"
    MODEL "care/human_like" (reasoning = false)
  }
  ELSE {
    NAME "help"
    MODEL "care/plain"
  }
}

TEST branches {
  "this is unacceptable" (grants = ["group:premium"]) -> soothe
  "error code 17, and it is unacceptable" -> repair
  "I have a complaint" -> listen
  "where do I find the manual" -> help
}
