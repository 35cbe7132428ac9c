#!/usr/bin/env python3
"""Which sources can be compiled as one, most of a compilation being that of headers that they share: those that know nothing
of each other. No name that one defines for itself (in an unnamed namespace, as static, by using) is a word of another, unless
both say the same by it (`using Json = nlohmann::json;`).

    scripts/together.py SOURCE...    CMake's words for that: the groups of a target's sources
"""
import functools
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent

LITERALS_AND_COMMENTS = re.compile(
    r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*.*?\*/', re.S)

# What has internal linkage outside of unnamed namespaces, and aliases.
INTERNAL = re.compile(r"static\b|using \w+ =|(constexpr|const)\b[^(]*(=|$)")


# What may be said again: another name for something.
ALIAS = re.compile(r"^(?:using (?:\w+::)*|namespace )(\w+)(?: = [^;{}]*)?;", re.M)

# Uses of macros, as TEST(Suite, Name), and what may stand in a file twice.
HARMLESS = re.compile(r"[A-Z_]+\(|static_assert\(|using (::)?testing::")

# A word that a name at hand could be meant by: no member's, none of another namespace.
MEANT = re.compile(r"(?<![\w.])(?<!->)(?<!(?<!kerf)::)[A-Za-z_]\w*")


def code_of(text):
    return LITERALS_AND_COMMENTS.sub(lambda found: " " if found[0][0] == "/" else '""', text)


def names_defined(code, everywhere=False):
    """The names that a source defines for itself, as (functions, others); everywhere: those that a header gives to who includes
    it, too. Some that are not there do no harm, missing ones let batches fail to parse."""
    functions, others = set(), set(re.findall(r"^\s*#\s*define (\w+)", code, re.M))
    functions |= set(re.findall(r"^int (main)\(", code, re.M))
    others |= set(re.findall(r"\busing (?!(?:::)?testing::)(?:::)?(?:\w+::)+(\w+);", code)) | set(re.findall(r"\bnamespace (\w+) =", code))
    code = re.sub(r"^\s*#.*$", "", code, flags=re.M)
    scopes = []  # of where we are: "named" and "unnamed" namespaces, "body" of anything else
    for head, end in re.findall(r"([^{};]*)([{};])", code):
        head = re.sub(r"\[\[.*?\]\]|\balignas\([^()]*\)|\btemplate <[^;{}]*?>(?= *\n)", "", head).strip()
        space = re.search(r"\bnamespace( [\w:]+)?$", head)
        if end != "}" and not space and "body" not in scopes and not HARMLESS.match(head) and (
                everywhere or "unnamed" in scopes or INTERNAL.match(head)):
            if kind := re.match(r"(?:(?:struct|class|union|enum class|enum) |using (?=\w+ =))(\w+)", head):
                others.add(kind[1])
            elif name := re.match(r"[^(=\[]*?([A-Za-z_]\w*)\s*([(=\[]|$)", head):
                (functions if name[2] == "(" and end == "{" else others).add(name[1])
                others |= set(re.findall(r", (\w+) =", head))  # of one type
        if end == "{":
            scopes.append("body" if not space else "named" if space[1] else "unnamed")
        elif end == "}":
            del scopes[-1:]
    return functions, others


@functools.cache
def names_of_header(path):
    """Those of a header of ours and of all that it includes."""
    text = path.read_text()
    return frozenset().union(*names_defined(code_of(text), everywhere=True), *map(names_of_header, included(text, path.parent)))


def included(text, folder):
    named = re.findall(r'^#include "(.*)"', text, re.M)
    return [path for name in named for path in (root / "src" / name, folder / name) if path.exists()]


class Source:
    def __init__(self, path):
        self.path = path  # relative to the root
        self.text = (root / path).read_text()
        self.flags = ()  # of its compiler
        code = code_of(self.text)
        functions, others = names_defined(code)
        self.own, self.hiding = functions | others, others
        self.given = self.own.union(*map(names_of_header, included(self.text, (root / path).parent)))
        self.aliases = {(found[1], found[0]) for found in ALIAS.finditer(code)}
        self.words = set(re.findall(MEANT, code)) | self.given


def strangers(a, b):
    """A function that one defines for itself may bear the name of the other's local variable; anything else may not."""
    if a.flags != b.flags:
        return False
    alike = {name for name, _ in a.aliases & b.aliases}
    of_a, of_b = a.own - alike, b.own - alike
    return not (of_a & b.given or of_b & a.given or (of_a & a.hiding) & b.words or (of_b & b.hiding) & a.words)


def batches_of(sources, most):
    """Each source joins the first batch of which it is a stranger to all; those that know the most others come first."""
    known = {source.path: sum(not strangers(source, other) for other in sources) for source in sources}
    batches = []
    for source in sorted(sources, key=lambda source: (-known[source.path], source.path)):
        for batch in batches:
            if len(batch) < most and all(strangers(source, other) for other in batch):
                batch.append(source)
                break
        else:
            batches.append([source])
    return batches


def main():
    sources = [Source(path) for path in sys.argv[1:]]
    for number, batch in enumerate(batches_of(sources, most=12)):
        print(f"set_source_files_properties({' '.join(str(root / source.path) for source in batch)} PROPERTIES UNITY_GROUP {number})")


if __name__ == "__main__":
    main()
