"""Which codes an operation may answer, read from the source of its function and what that calls.

Nothing is listed by hand, so that nothing can be forgotten. What is found may be a little too
much (a branch that this operation never takes), never made up. Runs no operation.
"""

import ast
import functools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import snapcli
from snapcli.api.operation import Operation
from snapcli.api.parameters import Parameter, describe

Code = tuple[str, int]

_FORM = re.compile(r"[A-Z][A-Za-z]+(\.[A-Za-z]+)*\Z")
_PACKAGE = os.path.dirname(os.path.abspath(snapcli.__file__))
# What every operation function is given; its methods are called on a value, not by a name.
_CALL = ("snapcli.ecs.call", "Call")


def error_codes(declared: Operation) -> list[Code]:
    """Return the codes an operation may answer, each with its HTTP status, sorted."""
    found = set(_of_parameters(declared))
    _Search(found).function(declared.run.__module__, declared.run.__name__)
    return sorted(found)


def _of_parameters(declared: Operation) -> Iterator[Code]:
    request = declared.request
    parameters = list(describe(request))
    for parameter in parameters:
        if parameter.required:
            yield request.missing.get(parameter.name, ("MissingParameter", 400))
        yield from _of_values(parameter)
    names = {parameter.field for parameter in parameters}
    if "client_token" in names:
        yield "IdempotentParameterMismatch", 400
    if "dry_run" in names:
        yield "DryRunOperation", 400


def _of_values(parameter: Parameter) -> Iterator[Code]:
    """Yield what a value outside its limits is answered with; a plain text has none."""
    for member in parameter.members:
        yield from _of_values(member)
    if not parameter.members and parameter.type is not str:
        yield parameter.code, parameter.status


class _Module:
    """A module's source: what it defines by name, and where its other names are from."""

    def __init__(self, tree: ast.Module) -> None:
        self.defined: dict[str, ast.AST] = {}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                self.defined[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.defined[node.targets[0].id] = node.value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                self.defined[node.target.id] = node.value or node.target
        self.imported = {
            alias.asname or alias.name: (node.module or "", alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }


@functools.cache
def _module(name: str) -> _Module | None:
    """Return a module of this program, None for any other and for what is no module."""
    if not name.startswith("snapcli."):
        return None
    path = os.path.join(_PACKAGE, *name.split(".")[1:]) + ".py"
    try:
        with open(path, encoding="utf-8") as file:
            return _Module(ast.parse(file.read()))
    except OSError:
        return None


class _Search:
    """Follows names from a function into whatever it uses."""

    def __init__(self, found: set[Code]) -> None:
        self._found = found
        self._seen: set[tuple[str, str, bool]] = set()

    def function(self, module_name: str, name: str, *, defaults: bool = True) -> None:
        """Look at what `name` of a module is; `defaults`: the codes it answers by default too."""
        if (module_name, name, defaults) in self._seen:
            return
        self._seen.add((module_name, name, defaults))
        module = _module(module_name)
        if module is None:
            return
        if (module_name, name) == _CALL:
            return  # named as a type; which of its methods are used is seen where they are
        if name in module.imported and name not in module.defined:
            source, original = module.imported[name]
            self.function(source, original, defaults=defaults)
        elif name in module.defined:
            self._node(module.defined[name], module_name, module, defaults)

    def _node(self, node: ast.AST, module_name: str, module: _Module, defaults: bool) -> None:
        called: dict[ast.AST, bool] = {}  # how a name is called: whether with a code of its own
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call):
                own = list(_pairs(inner.args))
                self._found.update(own)
                called[inner.func] = bool(own)
            elif isinstance(inner, ast.Tuple):
                self._found.update(_pairs(inner.elts))
            elif isinstance(inner, ast.FunctionDef) and (defaults or inner is not node):
                self._found.update(_pairs(inner.args.defaults))
        for inner in ast.walk(node):
            by_default = not called.get(inner, False)
            if isinstance(inner, ast.Name):
                self.function(module_name, inner.id, defaults=by_default)
            elif isinstance(inner, ast.Attribute):
                self._attribute(inner, module_name, module, inner in called, by_default)

    def _attribute(
        self,
        node: ast.Attribute,
        module_name: str,
        module: _Module,
        is_called: bool,
        defaults: bool,
    ) -> None:
        """Follow `module.name`, and a method of the call that an operation is given.

        What is only looked up, or is a method of another object itself, counts where its owner
        is named `call`; a method that is called counts whoever its owner is.
        """
        base = node.value.id if isinstance(node.value, ast.Name) else ""
        if base in module.imported:
            self.function(".".join(module.imported[base]), node.attr, defaults=defaults)
        methods = _methods()
        own = base == "call" or (base == "self" and module_name == _CALL[0])
        if node.attr in methods and (own or (is_called and base != "self")):
            key = (_CALL[0], f"{_CALL[1]}.{node.attr}", defaults)
            home = _module(_CALL[0])
            if key not in self._seen and home is not None:
                self._seen.add(key)
                self._node(methods[node.attr], _CALL[0], home, defaults)


@functools.cache
def _methods() -> Mapping[str, ast.AST]:
    module = _module(_CALL[0])
    node: Any = module.defined.get(_CALL[1]) if module else None
    body = node.body if isinstance(node, ast.ClassDef) else ()
    found = {each.name: each for each in body if isinstance(each, ast.FunctionDef)}
    return {name: each for name, each in found.items() if not name.startswith("__")}


def _pairs(nodes: Sequence[ast.expr | None]) -> Iterator[Code]:
    """Yield a code and a status that stand side by side."""
    for one, two in pairwise(nodes):
        if isinstance(one, ast.Constant) and isinstance(two, ast.Constant):
            code, status = one.value, two.value
            if not isinstance(code, str) or not isinstance(status, int):
                continue
            if _FORM.match(code) and 400 <= status < 600:
                yield code, status
