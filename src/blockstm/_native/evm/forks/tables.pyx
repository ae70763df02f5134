"""What the forks are called, and which opcodes one has."""

FORKS = (
    "frontier", "homestead", "tangerine_whistle", "spurious_dragon", "byzantium", "constantinople", "petersburg",
    "istanbul", "berlin", "london", "paris", "shanghai", "cancun", "prague", "osaka", "amsterdam",
)
"""The names of forks.hpp, oldest first."""


cdef Fork fork_of(str name) except *:
    return <Fork><int>FORKS.index(name)


def opcode_table() -> dict[int, tuple[str, int, int]]:
    """Opcode → its name, how many words it takes from the stack, and how many it puts there."""
    return {
        opcode: (OPCODES[opcode].name.decode(), OPCODES[opcode].inputs, OPCODES[opcode].outputs)
        for opcode in range(256)
        if OPCODES[opcode].name != NULL
    }


def is_opcode(str fork, int number) -> bool:
    """Whether a fork defines this opcode."""
    return OPCODES[number].is_in(fork_of(fork))
