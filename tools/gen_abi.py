#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Everything that follows from abi/calls.toml and abi/errors.toml.

  gen_abi.py OUT           headers, dispatch rows and calls.json under OUT
  gen_abi.py --docs DIR    the reference pages
  gen_abi.py --check DIR   are the reference pages up to date?

A call is added in one place, calls.toml; nothing here knows a call by name.
Files that would not change are not touched, so that a new comment in the
data does not rebuild the world.
"""

import json
import os
import re
import sys
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# argument type -> (C type for user code, what the reference page says)
TYPES = {
    "pfn": ("exo_pfn", "frame number"),
    "count": ("uint64_t", "count"),
    "account": ("exo_pfn", "account, named by its frame"),
    "guard": ("exo_guardref", "guard: frame << 5 | index"),
    "slot": ("exo_slot", "slot of the caller's key ring"),
    "env": ("exo_envid", "environment: generation << 16 | slot"),
    "va": ("uint64_t", "page-aligned user address"),
    "where": ("uint64_t", "page-aligned user address, EXO_PT_* in the low bits"),
    "ptr": ("const void *", "address of a structure or vector (include/exo/types.h), read once"),
    "u64": ("uint64_t", "number"),
    "u32": ("uint32_t", "number"),
    "i64": ("int64_t", "signed number"),
    "cpu": ("uint32_t", "CPU number"),
    "bits": ("uint64_t", "bits"),
    "ns": ("uint64_t", "nanoseconds since boot"),
    "key_lo": ("uint64_t", "bytes 0..7 of a struct exo_key"),
    "key_hi": ("uint64_t", "bytes 8..15 of a struct exo_key"),
}
REGISTERS = ["rdi", "rsi", "rdx", "r10", "r8", "r9"]
NUMBERS = 64				# of calls, now and to come: entry.S has a place for each
CONSTRAINT = {"rdi": "D", "rsi": "S", "rdx": "d"}
HEAD = "/* SPDX-License-Identifier: ISC */\n/* Made by tools/gen_abi.py from abi/. */\n"


def load():
    with open(f"{ROOT}/abi/calls.toml", "rb") as f:
        calls = tomllib.load(f)["call"]
    with open(f"{ROOT}/abi/errors.toml", "rb") as f:
        errors = tomllib.load(f)["error"]
    names = [e["name"] for e in errors]
    if len(set(names)) != len(names):
        sys.exit("abi/errors.toml: an error is named twice")
    for nr, call in enumerate(calls):
        check(nr, call, names)
    if len(calls) > NUMBERS:
        sys.exit(f"abi/calls.toml: more than {NUMBERS} calls")
    if len({c["name"] for c in calls}) != len(calls):
        sys.exit("abi/calls.toml: a call is named twice")
    return calls, errors


def check(nr, call, error_names):
    where = f"abi/calls.toml: {call.get('name', nr)}"
    known = {"nr", "name", "args", "errors", "doc", "rights", "restart", "special"}
    if set(call) - known:
        sys.exit(f"{where}: unknown key {', '.join(set(call) - known)}")
    if not {"nr", "name", "args", "errors", "doc"} <= set(call):
        sys.exit(f"{where}: nr, name, args, errors and doc are needed")
    if call["nr"] != nr:
        sys.exit(f"{where}: numbers must follow each other ({nr} expected)")
    if len(call["args"]) > len(REGISTERS):
        sys.exit(f"{where}: more than {len(REGISTERS)} arguments")
    for name, kind in call["args"]:
        if kind not in TYPES:
            sys.exit(f"{where}: argument {name}: unknown type {kind}")
    for error in call["errors"]:
        if error not in error_names:
            sys.exit(f"{where}: unknown error {error}")
    for name, _ in call.get("restart", []):
        if name not in [a for a, _ in call["args"]]:
            sys.exit(f"{where}: restart names no argument: {name}")


def write(path, text):
    try:
        with open(path) as f:
            if f.read() == text:
                return
    except OSError:
        pass
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w") as f:
        f.write(text)
    os.replace(temporary, path)


def error_h(errors):
    out = [HEAD + "#ifndef EXO_ERROR_H\n#define EXO_ERROR_H\n"]
    out.append("/* A call returns one of these, negated. */\nenum exo_error {")
    for number, e in enumerate(errors, 1):
        out.append(f"\tEXO_E{e['name']} = {number},\t/* {e['text']} */")
    out.append(f"\tEXO_ERRORS = {len(errors) + 1}\n}};\n")
    out.append("/* X(name, number, text, Linux errno name without its E) */\n#define EXO_ERROR_LIST(X) \\")
    rows = [f'\tX({e["name"]}, {n}, "{e["text"]}", {e["errno"][1:]})' for n, e in enumerate(errors, 1)]
    out.append(" \\\n".join(rows))
    out.append("\n#endif\n")
    return "\n".join(out)


def callnr_h(calls):
    out = [HEAD + "#ifndef EXO_CALLNR_H\n#define EXO_CALLNR_H\n"]
    out.append("#define EXO_CALL 0x40000000\t\t/* rax = EXO_CALL | EXO_NR_... */")
    out += [f"#define EXO_NR_{c['name']} {c['nr']}" for c in calls]
    out.append(f"#define EXO_NR_CALLS {len(calls)}")
    out.append(f"#define EXO_CALL_NUMBERS {NUMBERS}\t\t/* so many from EXO_CALL on are the kernel's; others are reflected */")
    out.append("\n#endif\n")
    return "\n".join(out)


def calls_inc(calls):
    out = [HEAD + "/* X(nr, name, nargs); X_SPECIAL for those that entry.S handles with all registers. */"]
    out.append("#ifndef X_SPECIAL\n#define X_SPECIAL(nr, name, nargs)\n#endif")
    for c in calls:
        macro = "X_SPECIAL" if c.get("special") else "X"
        out.append(f"{macro}({c['nr']}, {c['name']}, {len(c['args'])})")
    out.append("#undef X\n#undef X_SPECIAL\n")
    return "\n".join(out)


def syscalls_h(calls):
    out = [HEAD + "#ifndef KERNEL_SYSCALLS_H\n#define KERNEL_SYSCALLS_H\n"]
    out.append('#include "../../../kernel/core/core.h"\n\nstruct env;\n')
    for c in calls:
        if not c.get("special"):
            args = "".join(f", {'i64' if k == 'i64' else 'u64'} {a}" for a, k in c["args"])
            out.append(f"i64 sys_{c['name']}(struct env *self{args});")
    out.append("\n#endif\n")
    return "\n".join(out)


def parameter(name, kind):
    c_type = TYPES[kind][0]
    return f"{c_type}{'' if c_type.endswith('*') else ' '}{name}"


def stub(call):
    """One call as a static inline function with exact clobbers: all six argument registers come back zero."""
    args = call["args"]
    out = [f"/* {call['doc']} */", "static inline int64_t"]
    out.append(f"exo_{call['name']}({', '.join(parameter(*a) for a in args) or 'void'})\n{{")
    out.append(f"\tint64_t result_ = EXO_CALL | EXO_NR_{call['name']};")
    outputs, clobbers = ['"+a"(result_)'], []
    for place, register in enumerate(REGISTERS):
        if place >= len(args):
            clobbers.append(f'"{register}"')
            continue
        name, kind = args[place]
        cast = "(uint64_t)(uintptr_t)" if kind == "ptr" else "(uint64_t)" if kind == "i64" else ""
        bound = f' __asm__("{register}")' if register not in CONSTRAINT else ""
        out.append(f"\t{'register ' if bound else ''}uint64_t {register}_{bound} = {cast}{name};")
        outputs.append(f'"+{CONSTRAINT.get(register, "r")}"({register}_)')
    clobbers += ['"rcx"', '"r11"', '"cc"', '"memory"']
    out.append(f'\n\t__asm__ volatile("syscall"\n\t\t: {", ".join(outputs)}\n\t\t:\n\t\t: {", ".join(clobbers)});')
    out.append("\treturn result_;\n}\n")
    return "\n".join(out)


def stub_all(call):
    """Go on until every element is done: the count, or the error of the first undone element."""
    args, name = call["args"], call["name"]
    count = next(a for a, k in args if k == "count")
    steps = dict(call["restart"])
    actual = []
    for a, kind in args:
        if a == count:
            actual.append(f"{count} - *done_")
        elif a in steps and kind == "ptr":
            actual.append(f"(const char *){a} + *done_ * {steps[a]}")
        elif a in steps:
            step = "" if steps[a] == "1" else f" * {steps[a]}"
            cast = "(exo_slot)" if kind == "slot" else ""
            actual.append(f"{a} + {cast}{'(' if cast and step else ''}*done_{step}{')' if cast and step else ''}")
        else:
            actual.append(a)
    formal = ", ".join(parameter(*a) for a in args)
    return "\n".join([
        "static inline int64_t", f"exo_{name}_counted({formal}, uint64_t *done_)\n{{",
        f"\t*done_ = 0;\n\twhile (*done_ < {count}) {{",
        f"\t\tint64_t result_ = exo_{name}({', '.join(actual)});\n",
        "\t\tif (result_ < 0)\n\t\t\treturn result_;",
        "\t\t*done_ += (uint64_t)result_;\n\t}\n\treturn (int64_t)*done_;\n}\n",
        "static inline int64_t", f"exo_{name}_all({formal})\n{{",
        "\tuint64_t done_;\n", f"\treturn exo_{name}_counted({', '.join(a for a, _ in args)}, &done_);\n}}\n"])


def calls_h(calls):
    out = [HEAD]
    out.append("/*\n * The kernel calls as C functions: >= 0, or -EXO_E...  `..._all` goes on where a bounded call\n"
               " * stopped; what was done before an error stays done, and `..._counted` says how much.  call, acall and return move whole\n"
               " * messages in registers and are libexo's (exo/lib.h).\n */")
    out.append("#ifndef EXO_CALLS_H\n#define EXO_CALLS_H\n")
    out.append("#include <exo/types.h>\n#include <exo/callnr.h>\n#include <exo/error.h>\n")
    for c in calls:
        if c.get("special"):
            continue
        out.append(stub(c))
        if c.get("restart"):
            out.append(stub_all(c))
    out.append("#endif\n")
    return "\n".join(out)


def cell(text):
    """In a table a bar would end the cell."""
    return text.replace("|", "\\|")


def page(call, texts):
    out = [f"# {call['name']}", "", call["doc"], ""]
    out.append(f"Number {call['nr']}: `rax = EXO_CALL | EXO_NR_{call['name']}`.")
    if call.get("special"):
        out.append("Written in assembly: registers are the message. libexo makes functions of the three (exo/lib.h).")
    else:
        params = ", ".join(parameter(*a) for a in call["args"]) or "void"
        out += ["", f"    int64_t exo_{call['name']}({params})"]
    if call.get("restart"):
        out += ["", "Bounded: it may do less than asked and says how many; "
                f"`exo_{call['name']}_all` goes on from there, `exo_{call['name']}_counted` also says how many were done "
                "before an error."]
    if call["args"]:
        out += ["", "| register | argument | what it is |", "| --- | --- | --- |"]
        out += [f"| {r} | {a} | {cell(TYPES[k][1])} |" for r, (a, k) in zip(REGISTERS, call["args"])]
    out += ["", "## Rights", ""]
    out += [f"- {r}" for r in call.get("rights", [])] or ["No key is asked for."]
    out += ["", "## Errors", ""]
    if call["errors"]:
        out += ["| error | meaning |", "| --- | --- |"]
        out += [f"| -EXO_E{e} | {texts[e]} |" for e in call["errors"]]
    else:
        out.append("None.")
    return "\n".join(out) + "\n"


def index(calls, errors):
    out = ["# Kernel calls", "", "Made by tools/gen_abi.py from abi/; change them there and run `make docs`.", "",
           f"`rax = 0x40000000 | nr`, nr below {NUMBERS} (every other number is reflected); arguments in rdi rsi rdx r10 r8 r9; the result in rax is >= 0, or an error",
           "negated. rcx and r11 are lost; rdi rsi rdx r8 r9 r10 come back zero; everything else is kept. A bound key whose",
           "guard has begun a new generation gives STALE where an empty slot gives KEY.", "",
           "| nr | call | what it does |", "| --- | --- | --- |"]
    out += [f"| {c['nr']} | [{c['name']}]({c['name']}.md) | {cell(first_sentence(c['doc']))} |" for c in calls]
    out += ["", "## Errors", "", "| number | error | meaning | Linux programs see |", "| --- | --- | --- | --- |"]
    out += [f"| {n} | EXO_E{e['name']} | {e['text']} | {e['errno']} |" for n, e in enumerate(errors, 1)]
    return "\n".join(out) + "\n"


def first_sentence(doc):
    return re.split(r"(?<!\.)\. ", doc)[0].rstrip(".") + "."	# ".." is a range


def pages(calls, errors):
    texts = {e["name"]: e["text"] for e in errors}
    result = {f"{c['name']}.md": page(c, texts) for c in calls}
    result["README.md"] = index(calls, errors)
    return result


def check_docs(directory, wanted):
    bad = []
    for name, text in wanted.items():
        try:
            with open(f"{directory}/{name}") as f:
                if f.read() != text:
                    bad.append(name)
        except OSError:
            bad.append(name)
    bad += [n for n in os.listdir(directory) if n not in wanted] if os.path.isdir(directory) else []
    if bad:
        sys.exit(f"{directory}: not up to date, run `make docs`: {' '.join(sorted(bad))}")


def main(argv):
    calls, errors = load()
    if len(argv) == 2 and argv[0] in ("--docs", "--check"):
        wanted = pages(calls, errors)
        if argv[0] == "--check":
            check_docs(argv[1], wanted)
            return
        for name, text in wanted.items():
            write(f"{argv[1]}/{name}", text)
        for name in set(os.listdir(argv[1])) - set(wanted):
            os.unlink(f"{argv[1]}/{name}")
        return
    if len(argv) != 1 or argv[0].startswith("-"):
        sys.exit(__doc__)
    out = argv[0]
    write(f"{out}/exo/error.h", error_h(errors))
    write(f"{out}/exo/callnr.h", callnr_h(calls))
    write(f"{out}/exo/calls.h", calls_h(calls))
    write(f"{out}/kernel/calls.inc", calls_inc(calls))
    write(f"{out}/kernel/syscalls.h", syscalls_h(calls))
    write(f"{out}/calls.json", json.dumps({"calls": calls, "errors": errors}, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
