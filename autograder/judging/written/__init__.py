"""Written answers: read what a student typed in answers.toml, and judge it by value.

Why separate: this is the one place where text of a student is understood as mathematics, with a grammar of our own.
Nothing here may evaluate such text as code, touch a file or a process, or know a right answer: what is expected, and
which slips are known, come in as arguments. In reading order:

    layout     the names of answers.toml, and remarks on misspelled ones
    parse      bytes -> tables (TOML, sizes, friendly syntax errors)
    tokens     text -> tokens (LaTeX, Unicode and plain spellings become one)
    grammar    tokens -> tree
    evaluate   tree -> number, vector or matrix, within bounds
    read       a typed value -> number, vector, formula
    shapes     the same for the sizes of a tensor
    matrices   the same for two matrices
    verdict    what a judge says, and a Slip: a known mistake
    judge_*    one judge for each kind of answer
"""
