#!/usr/bin/python3
"""Modules and names that a Python file imports are used in it. Those of another file are given on by "import X as X"; a module that
is imported for what it does is named here.
    tests/lint/unused_imports.py [FOLDER]
"""

import ast
import pathlib
import sys

FOR_WHAT_THEY_DO = {"support_path"}


def unused(tree):
    """(line, name)"""
    imported = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                if alias.asname != alias.name:
                    imported[alias.asname or alias.name.split(".")[0]] = node.lineno
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | FOR_WHAT_THEY_DO
    return [(line, name) for name, line in imported.items() if name not in used]


def main(root):
    files = sorted(path for path in root.rglob("*.py") if "build" not in path.relative_to(root).parts)
    found = [f"{path.relative_to(root)}:{line}: imports {name} and does not use it"
             for path in files for line, name in unused(ast.parse(path.read_text(encoding="utf-8")))]
    if not files:
        found.append(f"found nothing to look at in {root}")
    for finding in found:
        print("unused_imports.py:", finding, file=sys.stderr)
    print(f"unused_imports.py: {len(files)} looked at")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()))
