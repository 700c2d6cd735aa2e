"""Mistakes of a changed ViT that reading shows: what it makes and does not use, what it reads, how it cuts an image.

Why separate: the loop that trains a model (`training_loop`) says nothing of what is in it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from autograder.core.names import named
from autograder.handin.slicing.training_calls import (
    FUNCTIONS,
    Mistake,
    assigned,
    is_softmax,
    name_of,
    softmax_twice,
    within,
)


def of_model(node: ast.AST, *, entropy: bool) -> Iterator[Mistake]:
    """What the notebook's own ViT makes and does not use, which token it reads, how it cuts an image.

    `entropy`: the notebook takes the softmax in its loss.
    """
    yield from _cut_apart(node)
    if not isinstance(node, ast.ClassDef) or node.name != named("ViT"):
        return
    methods = {part.name: part for part in node.body if isinstance(part, FUNCTIONS)}
    forward, made = methods.get("forward"), methods.get("__init__")
    if forward is None or made is None:
        return
    yield from _unused(made, [part for name, part in methods.items() if name != "__init__"])
    yield from _other_token(forward)
    yield from _cut_in_rows(node, forward)
    returned = [part.value for part in within(forward) if isinstance(part, ast.Return) and part.value]
    if any(map(is_softmax, returned)) and entropy:
        yield softmax_twice(returned[-1])


def _unused(made: ast.AST, methods: Sequence[ast.AST]) -> Iterator[Mistake]:
    used = {part.attr for method in methods for part in within(method) if isinstance(part, ast.Attribute)}
    for target, value in assigned(made):
        if isinstance(target, ast.Attribute) and name_of(getattr(value, "func", value)) == "Parameter":
            kind = "position" if "pos" in target.attr else "class token" if _says_class(target.attr) else ""
            if kind and target.attr not in used:
                what = f"the {kind}{' of a token' if kind == 'position' else ''} (self.{target.attr})"
                yield Mistake(
                    f"no-{kind.replace(' ', '-')}",
                    target,
                    f"{what} is made in ViT.__init__ and not used in forward",
                    "the provided ViT puts the class token in front and adds a position to every token",
                )


def _says_class(name: str) -> bool:
    return "cls" in name or "class_tok" in name


def _other_token(forward: ast.AST) -> Iterator[Mistake]:
    """x[:, k] for another k than 0, where the class token is put in front; for one from the front, where it is last."""
    ends = list(_ends(forward))
    first = any(_says_class(ast.unparse(front)) for front, _ in ends)
    last = not first and any(_says_class(ast.unparse(back)) for _, back in ends)
    for part, number in _tokens_read(forward) if first or last else ():
        if number != 0 if first else number >= 0:
            yield Mistake(
                "another-token",
                part,
                f"`{ast.unparse(part)[:40]}` reads another token than the class token, which stands"
                f" {'in front' if first else 'at the end'}",
                "read the first token, x[:, 0]"
                if first
                else "put the class token in front, or read the last, x[:, -1]",
            )


def _ends(forward: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The first and the last of what is joined."""
    for part in within(forward):
        if isinstance(part, ast.Call) and part.args and name_of(part.func) in ("cat", "concat"):
            parts = part.args[0]
            if isinstance(parts, (ast.List, ast.Tuple)) and parts.elts:
                yield parts.elts[0], parts.elts[-1]


def _tokens_read(forward: ast.AST) -> Iterator[tuple[ast.Subscript, int]]:
    """Each x[:, k] and its k, -1 for any that is counted from the end."""
    for part in within(forward):
        if not isinstance(part, ast.Subscript) or not isinstance(part.ctx, ast.Load):
            continue
        index = part.slice
        if isinstance(index, ast.Tuple) and len(index.elts) == 2 and isinstance(index.elts[0], ast.Slice):
            number = index.elts[1]
            if isinstance(number, ast.UnaryOp) and isinstance(number.operand, ast.Constant):
                yield part, -1
            elif isinstance(number, ast.Constant) and type(number.value) is int:
                yield part, number.value


# What brings pixels that stand below each other together; joining the class token comes later, and is none of it.
_ARRANGING = frozenset(
    "rearrange Rearrange permute transpose swapaxes swapdims movedim moveaxis unfold Unfold einsum Conv2d conv2d chunk "
    "split mT T patchify im2col as_strided tensor_split".split()
)


def _cut_in_rows(model: ast.ClassDef, forward: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Mistake]:
    """The images reshaped to (batch, patches, pixels) at once: each patch is then a run of pixels, not a square."""
    images = forward.args.args[1].arg if len(forward.args.args) > 1 else ""
    cuts = [part for part in within(forward) if isinstance(part, ast.Call) and _cuts(part, images)]
    names = {name_of(part) for part in within(model)}
    sliced = any(isinstance(part, ast.Subscript) and name_of(part.value) == images for part in within(forward))
    changed = [value for target, value in assigned(forward) if name_of(target) == images]
    if cuts and not sliced and names.isdisjoint(_ARRANGING) and all(value in cuts for value in changed[:1]):
        yield _in_rows(cuts[0])


def _cut_apart(node: ast.AST) -> Iterator[Mistake]:
    """Rows and columns of patches given axes of their own, and put together again as they stand."""
    names = {name_of(part) for part in within(node)} if isinstance(node, (ast.ClassDef, *FUNCTIONS)) else set()
    of_patches = any("patch" in name.lower() for name in (*names, getattr(node, "name", "")))
    if not of_patches or not _ARRANGING.isdisjoint(names):
        return
    sizes = [(part, part.args) for part in within(node) if isinstance(part, ast.Call) and _shapes(part)]
    apart = [part for part, args in sizes if len(args) in (5, 6)]
    if apart and any(len(args) == 3 for _, args in sizes):
        yield _in_rows(apart[0])


def _shapes(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in ("reshape", "view")


def _in_rows(cut: ast.Call) -> Mistake:
    return Mistake(
        "patches-in-rows",
        cut,
        f"`{ast.unparse(cut)[:60]}` deals the pixels out in their order: what is taken for a patch is a run of pixels"
        " along the rows, not a square",
        "the provided ViT cuts squares: rearrange(images, 'b c (h p1) (w p2) -> b (h w) (p1 p2 c)', p1=p, p2=p)",
    )


def _cuts(call: ast.Call, images: str) -> bool:
    """Whether it is images.reshape(batch, patches, pixels); (batch, 28, 28) takes rows for tokens, and says so."""
    shaped = _shapes(call) and len(call.args) == 3 and _is_called_on(call, images)
    return shaped and not any(map(_is_28, call.args[1:]))


def _is_called_on(call: ast.Call, name: str) -> bool:
    """Whether it is a method of this name's, or of what is that name but for its shape."""
    on = call.func.value if isinstance(call.func, ast.Attribute) else call
    while isinstance(on, ast.Call) and isinstance(on.func, ast.Attribute) and on.func.attr in _AS_IT_LIES:
        on = on.func.value
    return isinstance(on, ast.Name) and on.id == name


_AS_IT_LIES = frozenset({"flatten", "contiguous", "to", "squeeze", "view", "reshape", "float"})


def _is_28(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 28
