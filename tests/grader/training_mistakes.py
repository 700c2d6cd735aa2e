"""A notebook's training as students write it: the template's own loop and ViT, mistakes in them, and honest other ways.

Why separate: tests and the measurement of fidelity read these; none of them is ever run.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SOURCE = (ROOT / "student_template" / "source" / "hw6.py").read_text(encoding="utf-8")
_PROVIDED = (ROOT / "autograder" / "student_room" / "provided_classes.py").read_text(encoding="utf-8")


def _defined(source: str, *names: str) -> str:
    lines = "\n".join(line for line in source.splitlines() if not line.startswith(("# !", "%")))
    return "\n\n\n".join(ast.unparse(n) for n in ast.parse(lines).body if getattr(n, "name", "") in names)


TEMPLATE = _defined(_SOURCE, "mean_loss", "evaluate", "run_training_loop", "test_performance")
VIT = _defined(_PROVIDED, "ViT")


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with these changes; LookupError where one has no place."""
    for old, new in changes:
        if old not in text:
            raise LookupError(old)
        text = text.replace(old, new)
    return text


ENTROPY, STEP = "nn.functional.cross_entropy(model(images.to(device)), labels.to(device))", "optimizer.step()"
# name -> (text, the mistakes that are named)
WRONG: Mapping[str, tuple[str, str]] = {
    "no zero_grad": (changed(TEMPLATE, ("            optimizer.zero_grad()\n", "")), "no-zero-grad"),
    "no step": (changed(TEMPLATE, (f"            {STEP}\n", "")), "no-step"),
    "no backward": (changed(TEMPLATE, ("            loss.backward()\n", "")), "no-backward"),
    "softmax in the loss": (
        changed(TEMPLATE, (ENTROPY, ENTROPY.replace("model(images.to(device))", "torch.softmax(model(images.to(device)), -1)"))),
        "softmax-twice",
    ),
    "softmax, then the loss": (
        changed(TEMPLATE, (f"return {ENTROPY}", "probs = model(images.to(device)).softmax(dim=1)\n    return nn.functional.cross_entropy(probs, labels)")),
        "softmax-twice",
    ),
    "softmax, then a loss that was made": (
        "criterion = nn.CrossEntropyLoss()\n" + changed(TEMPLATE, (f"return {ENTROPY}", "return criterion(nn.Softmax(dim=1)(model(images)), labels)")),
        "softmax-twice",
    ),
    "softmax at the end of the model": (TEMPLATE + "\n\n" + changed(VIT, ("return self.mlp_head(x[:, 0])", "return self.mlp_head(x[:, 0]).softmax(-1)")), "softmax-twice"),
    "never back to train mode": (changed(TEMPLATE, ("        model.train()\n", "")), "eval-mode"),
    "eval mode in each epoch": (changed(TEMPLATE, ("        model.train()\n", "        model.eval()\n")), "eval-mode"),
    "a new optimizer for each batch": (
        changed(TEMPLATE, ("            optimizer.zero_grad()\n", "            optimizer = torch.optim.Adam(model.parameters(), lr=lr)\n            optimizer.zero_grad()\n")),
        "optimizer-in-the-loop",
    ),
    "no position": (changed(VIT, (" + self.pos_embedding", "")), "no-position"),
    "the last token": (changed(VIT, ("x[:, 0]", "x[:, -1]")), "another-token"),
    "the first patch, the class token last": (changed(VIT, ("[cls_tokens, x]", "[x, cls_tokens]")), "another-token"),
    "the first patch": (changed(VIT, ("x[:, 0]", "x[:, 1]")), "another-token"),
    "no class token": (
        changed(VIT, ("torch.cat([cls_tokens, x], dim=1) + self.pos_embedding", "x + self.pos_embedding[:, 1:]"), ("cls_tokens = self.cls_token.expand(x.shape[0], -1, -1)", "pass")),
        "no-class-token",
    ),
}  # fmt: skip
HONEST: Mapping[str, str] = {
    "the template's": f"{TEMPLATE}\n\n\n{VIT}",
    "zero_grad at the end": changed(TEMPLATE, ("            optimizer.zero_grad()\n", ""), (STEP, f"{STEP}\n            optimizer.zero_grad()")),
    "the model's zero_grad": changed(TEMPLATE, ("optimizer.zero_grad()", "model.zero_grad(set_to_none=True)")),
    "gradients put back by hand": changed(TEMPLATE, ("optimizer.zero_grad()", "[setattr(p, 'grad', None) for p in model.parameters() if p.grad is not None]")),
    "a function for each step": """
def step(model, images, labels):
    optimizer.zero_grad()
    loss = criterion(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()

criterion = nn.CrossEntropyLoss()
for epoch in range(10):
    model.train()
    for images, labels in loader:
        step(model, images, labels)
    evaluate(model, validation_set)
""" + TEMPLATE,
    "a function for each epoch": """
def train_epoch(model, optimizer):
    model.train()
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()

for lr in (1e-3, 3e-4):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for epoch in range(10):
        train_epoch(model, optimizer)
        evaluate(model, validation_set)
""" + TEMPLATE,
    "probabilities for the accuracy alone": changed(TEMPLATE, ("loss = mean_loss(model, images, labels)", "logits = model(images); loss = F.cross_entropy(logits, labels); p = logits.softmax(-1)")),
    "the output becomes probabilities later": changed(TEMPLATE, ("loss = mean_loss(model, images, labels)", "out = model(images); loss = F.cross_entropy(out, labels); out = out.softmax(-1)")),
    "log_softmax and nll": changed(TEMPLATE, (f"return {ENTROPY}", "return F.nll_loss(F.log_softmax(model(images), -1), labels)")),
    "gradients of several batches": changed(TEMPLATE, ("            optimizer.zero_grad()\n", ""), (STEP, f"if batch % 4 == 0:\n                {STEP}; optimizer.zero_grad()")),
    "mixed precision": changed(TEMPLATE, ("loss.backward()", "scaler.scale(loss).backward()"), (STEP, "scaler.step(optimizer); scaler.update()")),
    "evaluation that goes back": changed(TEMPLATE, ("        model.train()\n", ""), ("    return (total / len(dataset), correct)", "    model.train()\n    return (total / len(dataset), correct)")),
    "descent by hand": "for i in range(5):\n    loss = f(w)\n    loss.backward()\n    w.data -= 0.1 * w.grad\n    w.grad.zero_()\n",
    "a scheduler alone": "for epoch in range(3):\n    scheduler.step()\n",
    "mean of all tokens": changed(VIT, ("x[:, 0]", "x.mean(1)")),
    "the class token last": changed(VIT, ("[cls_tokens, x]", "[x, cls_tokens]"), ("x[:, 0]", "x[:, -1]")),
    "positions in a method": changed(VIT, (" + self.pos_embedding", ""), ("x = self.dropout(x)", "x = self.placed(self.dropout(x))"))
    + "\n\n    def placed(self, x):\n        return x + self.pos_embedding\n",
}  # fmt: skip
