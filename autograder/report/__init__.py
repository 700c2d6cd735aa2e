"""A `Report` as people read it: in a terminal, in a browser, and as the text fields of results.json.

Why separate: the grading decides and these modules word it; nothing here may change a score. Each of `html` and
`terminal` imports its library (Jinja2, rich) only when it is used, since importing them costs more than a test does.
"""
