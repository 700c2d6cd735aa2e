"""Written answers: read what a student typed in answers.toml, and judge it by value.

Why separate: this is the one place where text of a student is understood as mathematics, with a grammar of our own.
Nothing here may evaluate such text as code, touch a file or a process, or know a right answer: what is expected, and
which slips are known, come in as arguments. In reading order:

    spelling   text -> plain text (LaTeX, Unicode, Markdown and Python spellings become one)
    tokens     plain text -> tokens
    grammar    tokens -> tree; `nodes` are its records, `trees` asks what stands in one, `echo` prints it
    evaluate   tree -> number, vector or matrix, within bounds; `algebra` and `functions` work on values
    words      fillers, words that change a number, numbers in words
    chains     which part of "a = b = c, where s = ..." is the answer
    commas     decimal commas
    read       a typed value -> number, vector, formula
    shapes     the same for the sizes of a tensor
    matrices   the same for two matrices
    verdict    what a judge says, and a Slip: a known mistake
    judge_*    one judge for each kind of answer
"""
