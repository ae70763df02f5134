"""What EVMs take for the same bytecode: contracts with the loop inside, and who races on them."""
