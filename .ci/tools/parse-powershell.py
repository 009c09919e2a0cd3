"""Prints the lines of PowerShell scripts that do not parse; exits with 1 if there are any."""

import sys

import tree_sitter
import tree_sitter_powershell

parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))


def errors(node):
    if node.is_error or node.is_missing:
        yield node.start_point
    for child in node.children:
        yield from errors(child)


status = 0
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        tree = parser.parse(file.read())
    for row, column in errors(tree.root_node):
        print(f"{path}:{row + 1}:{column + 1}: syntax error")
        status = 1
sys.exit(status)
