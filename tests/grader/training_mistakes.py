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
ADAM, RIGHT_CUT = (
    "optimizer = torch.optim.Adam(model.parameters(), lr=lr)",
    "patches = rearrange(images, 'b c (h p1) (w p2) -> b (h w) (p1 p2 c)', p1=p, p2=p)",
)
VALIDATED_ON_TEST = ("evaluate(model, validation_set)", "evaluate(model, test_set)"), ("validation_loss", "test_loss")
SETS = "train_set = datasets.MNIST('.', train=True)\ntest_set = datasets.MNIST('.', train=False)\n"
OWN_LOOP = """
model = ViT(dim=64).to(device)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
losses = []
for epoch in range(10):
    for images, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
"""
RUN_EPOCH = """
model = ViT().to(device)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
def run(loader, train):
    model.train(train)
    total = 0
    for images, labels in loader:
        loss = criterion(model(images), labels)
        if train:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item()
    return total
for epoch in range(10):
    train_losses.append(run(train_loader, True)), val_losses.append(run(val_loader, False))
"""
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
    "patches by reshape alone": (changed(VIT, (RIGHT_CUT, "patches = images.reshape(images.shape[0], -1, p * p)")), "patches-in-rows"),
    "patches by view alone": (changed(VIT, (RIGHT_CUT, "patches = images.view(-1, 16, 49)")), "patches-in-rows"),
    "patches with axes of their own, never exchanged": (
        changed(VIT, (RIGHT_CUT, "patches = images.reshape(len(images), 1, 4, p, 4, p)\n        patches = patches.reshape(len(images), 16, p * p)")),
        "patches-in-rows",
    ),
    "patches of a module of its own": (
        VIT + "\n\nclass PatchEmbed(nn.Module):\n    def forward(self, x):\n        b, c, h, w = x.shape\n        x = x.view(b, c, h // 7, 7, w // 7, 7)\n        return self.proj(x.reshape(b, -1, 49))\n",
        "patches-in-rows",
    ),
    "StepLR stepped where it trains": (
        changed(RUN_EPOCH, ("optimizer.step()", "optimizer.step()\n            scheduler.step()"), ("optimizer = ", "scheduler = StepLR(optimizer, step_size=1, gamma=0.9)\noptimizer = ")),
        "schedule-of-batches",
    ),
    "a function for each part, the test set for the second": (f"{SETS}val_loader = DataLoader(val_set)\n{changed(RUN_EPOCH, ('run(val_loader', 'run(test_loader'))}", "validated-on-test-data"),
    "the model made anew before a function that trains it": (changed(RUN_EPOCH, ("def run", "model = ViT()\ndef run")), "optimizer-of-another"),
    "StepLR stepped each batch": (
        changed(TEMPLATE, (STEP, f"{STEP}\n            scheduler.step()"), (ADAM, f"{ADAM}\n    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.5)")),
        "schedule-of-batches",
    ),
    "an exponential schedule stepped each batch": (
        changed(TEMPLATE, (STEP, f"{STEP}\n            sched.step()"), (ADAM, f"{ADAM}\n    sched = ExponentialLR(optimizer, 0.9)")),
        "schedule-of-batches",
    ),
    "cosine over ten, stepped each batch": (
        changed(TEMPLATE, (STEP, f"{STEP}\n            decay.step()"), (ADAM, f"{ADAM}\n    decay = CosineAnnealingLR(optimizer, T_max=10)")),
        "schedule-of-batches",
    ),
    "validated on the test set": (changed(TEMPLATE, *VALIDATED_ON_TEST), "validated-on-test-data"),
    "a loop of its own that looks at the test set": (
        f"test_set = datasets.MNIST('.', train=False)\ntest_loader = DataLoader(test_set, 32)\n{OWN_LOOP}    total = 0\n    for images, labels in test_loader:\n        total += criterion(model(images), labels).item()\n    losses.append(total)\n",
        "validated-on-test-data",
    ),
    "a validation loader of the test set": (f"{SETS}val_loader = DataLoader(test_set, batch_size=32)\n{OWN_LOOP}    validate(val_loader)\n", "validated-on-test-data"),
    "the training part for the test set": (f"train_set, test_set = datasets.MNIST('.', train=True), datasets.MNIST('.', train=True)\n{OWN_LOOP}evaluate(model, test_set)\n", "tested-on-training-data"),
    "the training part for the test loader": (f"test_loader = DataLoader(torchvision.datasets.MNIST('.', True, download=True), 32)\n{OWN_LOOP}evaluate(model, test_loader)\n", "tested-on-training-data"),
    "a test loader of the training set": (f"{SETS}test_loader = DataLoader(train_set, batch_size=32)\n{OWN_LOOP}evaluate(model, test_loader)\n", "tested-on-training-data"),
    "a test of the training set": (f"train_set = datasets.MNIST('.', train=True)\n{OWN_LOOP}test_performance(model, train_set)\n", "tested-on-training-data"),
    "a test set that nothing looks at": (f"{SETS}test_loader = DataLoader(test_set, 32)\n{OWN_LOOP}    print(accuracy(model, train_loader))\n", "test-set-not-used"),
    "the loop in no_grad": (changed(OWN_LOOP, ("    for images", "    with torch.no_grad():\n      for images")), "trained-without-gradient"),
    "a function in inference mode": (f"@torch.inference_mode()\n{TEMPLATE[TEMPLATE.index('def run_training_loop') :]}", "trained-without-gradient"),
    "argmax in the loss": (changed(TEMPLATE, (ENTROPY, "F.cross_entropy(model(images).argmax(dim=1).float(), labels.float())")), "argmax-in-the-loss"),
    "argmax, then a loss that was made": (
        changed(OWN_LOOP, ("loss = criterion(model(images), labels)", "guess = torch.argmax(model(images), 1)\n        loss = criterion(guess.float(), labels)")).replace("guess.float()", "guess"),
        "argmax-in-the-loss",
    ),
    "the place of the largest, then a loss": (
        changed(OWN_LOOP, ("loss = criterion(model(images), labels)", "_, guess = torch.max(model(images), 1)\n        loss = criterion(guess.float(), labels.float())")),
        "argmax-in-the-loss",
    ),
    "patches of flat images": (changed(VIT, (RIGHT_CUT, "patches = images.flatten(1).reshape(len(images), 16, 49)")), "patches-in-rows"),
    "likelihood of raw outputs": (changed(TEMPLATE, (ENTROPY, "F.nll_loss(model(images), labels)")), "nll-of-raw-outputs"),
    "a likelihood that was made": (changed(OWN_LOOP, ("nn.CrossEntropyLoss()", "nn.NLLLoss()")), "nll-of-raw-outputs"),
    "another model's optimizer": (
        changed(OWN_LOOP, ("optimizer = ", "first = ViT(depth=2)\noptimizer = "), ("Adam(model.", "Adam(first."), ("    for images", "    model.train()\n    for images")),
        "optimizer-of-another",
    ),
    "the model made anew after its optimizer": (changed(OWN_LOOP, ("losses = []", "model = ViT(depth=6).to(device)\nlosses = []")), "optimizer-of-another"),
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
    "a function for each part": RUN_EPOCH,
    "a function that is given model and optimizer": "net = ViT()\noptimizer = torch.optim.Adam(net.parameters())\nmodel = ViT()\n" + TEMPLATE + "\n\ndef go(model, optimizer):\n    for x, y in loader:\n        optimizer.zero_grad()\n        F.cross_entropy(model(x), y).backward()\n        optimizer.step()\nfor epoch in range(9):\n    go(net, optimizer)\n",
    "a schedule once an epoch": changed(TEMPLATE, (ADAM, f"{ADAM}\n    scheduler = StepLR(optimizer, step_size=5)"), ("        history['train_loss']", "        scheduler.step()\n        history['train_loss']")),
    "a schedule of batches, each batch": changed(TEMPLATE, (STEP, f"{STEP}\n            scheduler.step()"), (ADAM, f"{ADAM}\n    scheduler = StepLR(optimizer, step_size=5000)")),
    "a schedule as long as the loader": changed(TEMPLATE, (STEP, f"{STEP}\n            scheduler.step()"), (ADAM, f"{ADAM}\n    scheduler = CosineAnnealingLR(optimizer, T_max=10 * len(train_loader))")),
    "one cycle, each batch": changed(TEMPLATE, (STEP, f"{STEP}\n            scheduler.step()"), (ADAM, f"{ADAM}\n    scheduler = OneCycleLR(optimizer, 1e-3, epochs=10, steps_per_epoch=100)")),
    "a schedule after the last batch": changed(TEMPLATE, (STEP, f"{STEP}\n            if last: scheduler.step()"), (ADAM, f"{ADAM}\n    scheduler = StepLR(optimizer, 5)")),
    "a schedule beside a function for each epoch": f"scheduler = StepLR(optimizer, 5)\nfor epoch in range(10):\n    run_training_loop(model, n_epochs=1)\n    scheduler.step()\n{TEMPLATE}",
    "patches by reshape and permute": changed(VIT, (RIGHT_CUT, "patches = images.reshape(-1, 1, 4, p, 4, p).permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, p * p)")),
    "patches by unfold": changed(VIT, (RIGHT_CUT, "patches = F.unfold(images, p, stride=p).transpose(1, 2)")),
    "patches by a convolution": changed(VIT, ("nn.Linear(patch_size * patch_size, dim)", "nn.Conv2d(1, dim, patch_size, patch_size)"), (RIGHT_CUT, "patches = images"), ("self.patch_embedding(patches)", "self.patch_embedding(patches).flatten(2).mT")),
    "patches one by one": changed(VIT, (RIGHT_CUT, "patches = torch.stack([images[:, 0, i:i + p, j:j + p].reshape(-1, p * p) for i in range(0, 28, p) for j in range(0, 28, p)], 1)")),
    "patches in a function": changed(VIT, (RIGHT_CUT, "images = to_patches(images, p)\n        patches = images.reshape(images.shape[0], -1, p * p)")),
    "rows for tokens": changed(VIT, (RIGHT_CUT, "patches = images.reshape(images.shape[0], 28, 28)")),
    "a test set beside a validation set": changed(TEMPLATE, ("evaluate(model, validation_set)", "(evaluate(model, validation_set), evaluate(model, test_set))")),
    "all three sets": f"{SETS}train_set, val_set = random_split(train_set, [50000, 10000])\ntest_loader = DataLoader(test_set)\n{OWN_LOOP}    evaluate(model, val_set)\nevaluate(model, test_loader)\n",
    "the test set in half": f"{SETS}val_set, test_set = random_split(test_set, [5000, 5000])\n{OWN_LOOP}    evaluate(model, val_set)\nevaluate(model, test_set)\n",
    "a test after the last epoch": f"{SETS}{OWN_LOOP}print(evaluate(model, test_set))\n",
    "both accuracies": f"{SETS}{OWN_LOOP}test_performance(model, train_set)\ntest_performance(model, test_set)\n",
    "an accuracy under the test set's name": f"{SETS}test_loader = DataLoader(test_set)\n{OWN_LOOP}test_acc = accuracy(model, test_loader)\n",
    "the largest for the accuracy alone": changed(OWN_LOOP, ("        loss.backward()", "        _, guess = torch.max(model(images), 1)\n        right += (guess == labels).sum()\n        loss.backward()")),
    "a test set under other names": f"train_data = datasets.MNIST('.', train=True)\nheld_out = datasets.MNIST('.', train=False)\n{OWN_LOOP}evaluate(model, held_out)\n",
    "test images by hand": f"{SETS}x_test, y_test = test_set.data, test_set.targets\n{OWN_LOOP}print((model(x_test).argmax(1) == y_test).float().mean())\n",
    "sets in a dictionary": f"{SETS}loaders = {{'train': DataLoader(train_set), 'test': DataLoader(test_set)}}\n{OWN_LOOP}evaluate(model, loaders['test'])\n",
    "no training in the notebook": f"{SETS}test_loader = DataLoader(test_set)\n",
    "no_grad around what is validated": changed(OWN_LOOP, ("        optimizer.step()\n", "        optimizer.step()\n    with torch.no_grad():\n        total = sum(criterion(model(x), y) for x, y in val_loader)\n")),
    "gradients for a part": f"@torch.no_grad()\ndef run(x):\n    with torch.enable_grad():\n        loss = model(x).sum()\n        loss.backward()\n{OWN_LOOP}",
    "argmax for the accuracy alone": changed(OWN_LOOP, ("        loss.backward()", "        right = (model(images).argmax(1) == labels).sum()\n        loss.backward()")),
    "likelihood of logarithms": changed(OWN_LOOP, ("nn.CrossEntropyLoss()", "nn.NLLLoss()"), ("model(images)", "torch.log(model(images).softmax(-1))")),
    "logarithms in the model": changed(OWN_LOOP, ("nn.CrossEntropyLoss()", "nn.NLLLoss()")) + "class Head(nn.Module):\n    def forward(self, x):\n        return nn.LogSoftmax(dim=-1)(self.fc(x))\n",
    "two models, each with its own": changed(OWN_LOOP, ("optimizer = ", "small = ViT(depth=2)\nfirst = torch.optim.Adam(small.parameters())\noptimizer = "), ("    for images", "    model.train()\n    for images")),
    "the model on several cards": changed(OWN_LOOP, ("losses = []", "model = nn.DataParallel(model)\nlosses = []")),
    "the model compiled": changed(OWN_LOOP, ("losses = []", "fast = torch.compile(model)\nlosses = []"), ("criterion(model(", "criterion(fast(")),
    "the model made anew, and its optimizer": changed(OWN_LOOP, ("losses = []", "model = ViT(depth=6)\noptimizer = torch.optim.Adam(model.parameters())\nlosses = []")),
    "a model in a box": changed(OWN_LOOP, ("losses = []", "trainer = Trainer(model)\nlosses = []"), ("    for images", "    trainer.train()\n    for images")),
    "positions in a method": changed(VIT, (" + self.pos_embedding", ""), ("x = self.dropout(x)", "x = self.placed(self.dropout(x))"))
    + "\n\n    def placed(self, x):\n        return x + self.pos_embedding\n",
}  # fmt: skip
