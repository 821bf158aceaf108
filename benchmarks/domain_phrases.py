"""Short chat texts by domain, written for this project: exam questions alone do not look like what people type."""

__all__ = ["PHRASES"]

_TEXTS = {
    "biology": """
        how do plants turn sunlight into sugar | what does a ribosome do | explain natural selection with an example
        difference between mitosis and meiosis | why do cells need ATP | what is a recessive gene
        how does CRISPR edit DNA | what eats plankton | help me label the parts of a leaf cell
        which enzyme unwinds DNA | how do bees communicate where food is | my biology homework is on food webs
    """,
    "business": """
        how do I write a marketing plan for a bakery | what is a SWOT analysis | calculate the break-even point
        how to set prices for my online shop | explain accrual accounting | what goes into a balance sheet
        compute the interest on this loan over five years | how do I pitch to investors
        what is corporate social responsibility | ways to motivate a sales team
        how is depreciation booked | help me improve our supply chain
    """,
    "chemistry": """
        balance this reaction of iron with oxygen | what is the pH of vinegar | how many moles are in 10 g of salt
        explain covalent and ionic bonds | why does ice float, in terms of hydrogen bonds
        what happens when sodium meets water | name this organic compound | how does a catalyst work
        what is the oxidation state of manganese in permanganate | how do I prepare a buffer solution
        draw the Lewis structure of ammonia | what is an exothermic reaction
    """,
    "computer science": """
        my Python script throws a KeyError | write a function that reverses a linked list | explain big O notation
        how does a hash table work | what is the difference between TCP and UDP | fix this SQL query
        why is my React component rendering twice | how do I undo the last git commit | what is a race condition
        write unit tests for this class | how does a compiler parse code | set up a Docker container for my app
    """,
    "economics": """
        what causes inflation | explain supply and demand | how do central banks set interest rates
        what is the difference between GDP and GNP | why do monopolies charge more | what is opportunity cost
        how does a tariff change prices at home | what is the Phillips curve | explain fiscal policy in a recession
        what is the elasticity of demand for bread | how do exchange rates move trade | what does quantitative easing do
    """,
    "engineering": """
        how thick must this steel beam be | size a resistor for my LED | how does a heat exchanger work
        what is the torque of this motor | explain a PID controller | compute the pressure drop in a pipe
        what is the difference between AC and DC circuits | why do bridges have expansion joints
        how does a jet engine make thrust | design a low-pass filter at 1 kHz | what load can this column carry
        how do transformers change voltage
    """,
    "health": """
        what are the symptoms of the flu | is my blood pressure too high | how much sleep does a teenager need
        what are the side effects of ibuprofen | how is diabetes treated | I have had a headache for three days
        which vitamins are in spinach | how do vaccines protect us | exercises for lower back pain
        what should I eat with high cholesterol | what is the normal heart rate at rest | how does HIV spread
    """,
    "history": """
        what started the First World War | who was Cleopatra | how did the Roman Empire fall
        tell me about the Silk Road | what was the Cold War about | why did the French Revolution happen
        who built the pyramids and when | what happened in 1848 | what did the Magna Carta change
        how did people live in the Middle Ages | when did the Berlin Wall come down | what was the Meiji Restoration
    """,
    "law": """
        can my landlord keep the deposit | what is the difference between a tort and a crime
        is this contract binding without a signature | what are my rights when I am arrested
        how do I register a trademark | what does negligence mean in court | can I be sued for breach of contract
        what is the statute of limitations for fraud | how does custody work after a divorce
        explain the fourth amendment | who inherits if there is no will | what is hearsay evidence
    """,
    "math": """
        what is 17 times 23 | solve x squared minus 5x plus 6 equals 0 | find the derivative of sin x
        how do I compute a determinant | what is the probability of two sixes in a row | integrate 1 over x
        prove that the square root of 2 is irrational | what is 15 percent of 80 | simplify this fraction
        explain eigenvalues | how many ways can I arrange five books | area of a circle with radius 3
    """,
    "philosophy": """
        what is the meaning of life | do we have free will | explain Kant's categorical imperative
        is it ever right to lie | what did Plato mean by the cave | what is utilitarianism
        can a machine be conscious | is this argument valid or a fallacy | what is Stoicism
        how do we know anything at all | what does existentialism say about death | explain the trolley problem
    """,
    "physics": """
        why is the sky blue | how fast does a ball fall after 3 seconds | explain the theory of relativity
        what is a black hole | how do magnets work | what is the wavelength of red light
        what is entropy | why can nothing go faster than light | calculate the kinetic energy of a car
        what is quantum entanglement | how does a lens focus light | what force keeps planets in orbit
    """,
    "psychology": """
        why do I procrastinate | what is cognitive dissonance | how does classical conditioning work
        what are the stages of grief | how can I help a friend with anxiety | explain attachment styles
        what is the placebo effect | how do memories form | what did Freud say about dreams
        why do people conform in groups | what is an IQ test worth | how do children learn to speak
    """,
    "other": """
        hi | hello there | thanks, that helped | good morning, how are you | tell me a joke | write a poem about rain
        write a short story about a dragon | translate this sentence into French | what should I cook tonight
        book a table for two | what's the weather like tomorrow | remind me to call my mother
        summarize this text for me | make this email sound friendlier | suggest a name for my cat
        plan a weekend in Lisbon | play some music | who won the match last night | which film should I watch
        what can you do | yes please | no, the other one | give me gift ideas for my sister
        how do I get red wine out of a carpet | what is the capital of Peru | which is the longest river
        set a timer for ten minutes | write a birthday card | tell me something interesting | fix the grammar here
        cancel my order | where is my package | what time is it in Tokyo | how do I change my password
        recommend a book | help me pack for a trip
    """,
}
PHRASES = {
    domain: tuple(" ".join(text.split()) for line in texts.split("\n") for text in line.split("|") if text.strip())
    for domain, texts in _TEXTS.items()
}  # fmt: skip
"""By domain."""
