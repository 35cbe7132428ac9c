"""A problem file: overriding its module-level sizes, running it, and what it defines."""

import ast
import linecache
import types

from .errors import user

PLAIN = (bool, int, float, str)


def override(source, sizes, path):
    """`source` as a syntax tree in which every module-level assignment to a name of `sizes` binds that literal instead."""
    tree = ast.parse(source, filename=path)
    found = set()

    def replaced(name, old):
        found.add(name)
        value = sizes[name]
        if isinstance(value, list) and isinstance(old, ast.Tuple):
            value = tuple(value)
        return ast.copy_location(ast.parse(repr(value), mode="eval").body, old)

    def bind(target, value):
        """The value to assign to `target`, with named parts replaced."""
        if isinstance(target, ast.Name):
            return replaced(target.id, value) if target.id in sizes else value
        wanted = stored_names(target) & sizes.keys()
        if not wanted:
            return value
        sequence = (ast.Tuple, ast.List)
        if isinstance(target, sequence) and isinstance(value, sequence) and len(target.elts) == len(value.elts) \
                and not any(isinstance(each, ast.Starred) for each in (*target.elts, *value.elts)):
            value.elts = [bind(t, v) for t, v in zip(target.elts, value.elts)]
            return value
        raise user(f"{path} line {target.lineno}: {', '.join(sorted(wanted))} cannot be set here, because the value is not "
                   f"written out part by part; assign it on a line of its own")

    body = []
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            statement.value = bind(statement.targets[0], statement.value)
        elif isinstance(statement, ast.Assign):
            # a = b = value: evaluate once, then give the named targets their own value.
            named = [t for t in statement.targets if stored_names(t) & sizes.keys()]
            for target in named:
                if not isinstance(target, ast.Name):
                    raise user(f"{path} line {target.lineno}: {ast.unparse(target)} cannot be set in an assignment with "
                               f"several targets; assign it on a line of its own")
            statement.targets = [t for t in statement.targets if t not in named]
            changed = [ast.copy_location(ast.Assign([t], replaced(t.id, statement.value)), statement) for t in named]
            body.extend(([statement] if statement.targets else []) + changed)
            continue
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            statement.value = bind(statement.target, statement.value)
        elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name) \
                and statement.target.id in sizes:
            raise user(f"{path} line {statement.lineno}: {statement.target.id} cannot be set, because the file updates it "
                       f"in place")
        body.append(statement)
    if missing := sizes.keys() - found:
        have = ", ".join(sorted(module_names(tree))) or "none"
        raise user(f"{path}: {', '.join(sorted(missing))} is not assigned at the top level of the file, so it cannot be set; "
                   f"names that are: {have}")
    tree.body = body
    return ast.fix_missing_locations(tree)


def stored_names(target):
    return {n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def module_names(tree):
    """Names that module-level assignments bind, in order."""
    names = {}
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else \
            [statement.target] if isinstance(statement, ast.AnnAssign) and statement.value is not None else []
        for target in targets:
            names.update({n.id: None for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)})
    return list(names)


def value_of(thing):
    """A plain value (numbers, bools, text, none, lists of such) for JSON, or NotImplemented."""
    if thing is None or isinstance(thing, PLAIN):
        if isinstance(thing, int) and not isinstance(thing, bool) and not -2**63 <= thing < 2**63:
            return NotImplemented
        return thing
    if isinstance(thing, (list, tuple)):
        items = [value_of(each) for each in thing]
        return NotImplemented if NotImplemented in items else items
    return NotImplemented


class File:
    """A problem file at some sizes. Running it is left to load()."""

    def __init__(self, source, sizes, path):
        self.source, self.sizes, self.path = source, sizes, path
        self.filename = f"<problem {path}>"

    def load(self):
        try:
            tree = override(self.source, self.sizes, self.path)
            code = compile(tree, self.filename, "exec")
        except SyntaxError as error:
            error.filename = self.filename
            raise
        except ValueError as error:
            raise user(f"{self.path}: not a Python file: {error}") from None
        # For inspect.getsource, which torch.jit and some decorators use. Line numbers are those of the file.
        linecache.cache[self.filename] = (len(self.source), None, self.source.splitlines(True), self.filename)
        module = types.ModuleType("kerf_problem")
        module.__file__ = self.path
        exec(code, module.__dict__)
        for name in ("Model", "get_inputs"):
            if not callable(getattr(module, name, None)):
                raise user(f"{self.path}: the file defines no {name}; a problem has a class Model (an nn.Module) and functions "
                           f"get_inputs() and get_init_inputs()")
        return module

    def module_sizes(self, module):
        """[(name, value)] of all that --set could change."""
        sizes = []
        for name in module_names(ast.parse(self.source)):
            value = value_of(getattr(module, name, NotImplemented))
            if value is not NotImplemented:
                sizes.append([name, value])
        return sizes
