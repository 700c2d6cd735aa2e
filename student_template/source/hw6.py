# The sources of hw6.ipynb, in percent format. `# %%` begins a code cell, `# %% [markdown]` one of text.
# A cell that consists of `# provided: NAME` becomes the text of that provided class. Edit here, then run
# `python -m autograder.commands.template build`. A notebook is laid out by its cells, not as one Python file:
# ruff: noqa
# fmt: off

# %% [markdown]
# # CS189 Homework 6, Question 4: Vision Transformer
#
# In this notebook you build a Vision Transformer (ViT) and train it to read handwritten digits. You write two classes;
# everything else is provided.
#
# | part | you write | points |
# |---|---|---|
# | 4(a) | `SingleHeadAttention` | 10 |
# | 4(b) | `ViTLayer` | 5 |
# | 4(c) | nothing: you train the model, plot its losses and report its test accuracy | 5 |
#
# **How to begin.** In Colab choose *File → Save a copy in Drive*, and for part (c) *Runtime → Change runtime type → GPU*.
# On your own machine the first cell says what is missing.
#
# **What to hand in.** This notebook as `hw6.ipynb`, saved with its outputs; `history.json` and `model.safetensors`, which
# the cell under *Save what you hand in* writes; and `answers.toml` with your answers to the written questions. Your code also goes into the
# appendix of your write-up.
#
# Only the classes that you write are taken from this notebook when it is graded, with the imports and functions they
# use. The cells that train are not run again, and the provided classes are replaced by our own copies.

# %%
from importlib.util import find_spec

needed = ["torch", "torchvision", "einops", "matplotlib", "tqdm", "safetensors"]
missing = [name for name in needed if find_spec(name) is None]
if missing:
    print(f"Missing here: {', '.join(missing)}. Run `%pip install {' '.join(missing)}` in a cell, then restart the kernel.")
else:
    print("All packages are here.")
if find_spec("autograder") is None:  # the public tests: `from autograder import check; check("4a")` in any cell
    print("To check your work here: put hw6-student.zip beside this notebook (Colab: the folder on the left), then run")
    print("%pip install -q hw6-student.zip")


class Stop(Exception):
    """What keeps a cell from going on, shown as one sentence."""

    def _render_traceback_(self):
        return [f"Stopped: {self}"]

# %%
import contextlib
import io
import json
import math
import os

import matplotlib.pyplot as plt
import torch
from einops import rearrange
from torch import nn
from torch.utils.data import DataLoader, random_split

try:
    from tqdm import tqdm
except ImportError:  # only the progress bar is lost

    def tqdm(iterable, **options):
        return iterable


device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
torch.manual_seed(189)
print(f"torch {torch.__version__} on {device}")

# %% [markdown]
# ## 4(a) Scaled dot-product attention (10 points)
#
# A sequence of $T$ tokens arrives as a matrix with one row for each token. Three linear projections without bias turn it
# into queries $Q$, keys $K$ and values $V$, each of them $T \times d_k$, and the attention is
#
# $$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\left(\frac{QK^T}{\sqrt{d_k}}\right)V$$
#
# Row $i$ of the softmax says how much token $i$ looks at each of the tokens, so every row sums to 1. Here $d_k$ is called
# `inner_dim`.
#
# **You may use** `nn.Linear`, `nn.Softmax` and `nn.Dropout`, and whatever torch offers outside of `nn`, for example
# `torch.matmul`, `torch.transpose` or `torch.einsum`. Please use nothing else from `nn`, and that includes
# `torch.nn.functional`.
#
# **Keep in mind** that `x` comes with a batch dimension in front, and that dropout acts on the attention.

# %%
class SingleHeadAttention(nn.Module):
    """One head of scaled dot-product attention."""

    def __init__(self, input_dim, inner_dim, dropout=0.0):
        """
        input_dim: features of each token that comes in
        inner_dim: features of each query, key and value, and so of each token that goes out
        dropout:   probability for nn.Dropout
        """
        super().__init__()
        # TODO: make the layers you need (nn.Linear, nn.Softmax, nn.Dropout)

    def forward(self, x):
        """
        x:       (batch, tokens, input_dim)
        returns: (batch, tokens, inner_dim)
        """
        # TODO: replace the next line by your attention
        raise NotImplementedError("4(a): SingleHeadAttention.forward is still to be written")

# %% [markdown]
# **Does it work?** Run the next cell to look at the shape, then save the notebook and run the public tests on it. They
# need the folder `autograder` and `tests` of the homework's zip beside this notebook; take the `#` away from the last
# line to run them from here.

# %%
def show_shape(build, *shape):
    """Prints what comes out for a random input of this shape, or that the class is still to be written."""
    try:
        print(f"in {shape}, out {tuple(build()(torch.randn(*shape)).shape)}")
    except NotImplementedError as todo:
        print(f"not yet: {todo}")


show_shape(lambda: SingleHeadAttention(input_dim=5, inner_dim=7), 2, 3, 5)  # should be (2, 3, 7)
# !python -m autograder check hw6.ipynb --question 4a

# %% [markdown]
# ## 4(b) The Transformer layer (5 points)
#
# Multi-head attention is provided. It runs several of your heads on the same tokens and puts their outputs side by side,
# so that `heads * dim_head` features come out: your layer has to bring them back to `dim`.

# %%
# provided: Attention

# %% [markdown]
# Figure 1 of the handout shows one layer of the encoder. Read from the bottom to the top it says:
#
# 1. the tokens are layer-normalised, go through multi-head attention, and are **added** to the tokens as they came in;
# 2. the sum is layer-normalised, goes through an MLP with one hidden layer of `mlp_dim` units, and is **added** to the sum.
#
# ```
# x ──┬── LayerNorm ── Attention ── + ──┬── LayerNorm ── MLP ── + ──>
#     └─────────────────────────────┘   └───────────────────────┘
# ```
#
# **Dropout** is used after the attention, inside the MLP and after the MLP. In this part you may use all of `nn`, except
# for ready-made attention and ready-made Transformer layers.

# %%
class ViTLayer(nn.Module):
    """One layer of the Transformer encoder."""

    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.0):
        """
        dim:      features of each token, coming in and going out
        heads:    number of attention heads
        dim_head: features of each head
        mlp_dim:  hidden units of the MLP
        dropout:  probability for nn.Dropout
        """
        super().__init__()
        # TODO: make the layers you need; the attention is Attention(dim, heads, dim_head, dropout)

    def forward(self, x):
        """
        x:       (batch, tokens, dim)
        returns: (batch, tokens, dim)
        """
        # TODO: replace the next line by your layer
        raise NotImplementedError("4(b): ViTLayer.forward is still to be written")

# %%
show_shape(lambda: ViTLayer(dim=6, heads=2, dim_head=5, mlp_dim=7), 2, 3, 6)  # should be (2, 3, 6)
# !python -m autograder check hw6.ipynb --question 4b

# %% [markdown]
# ## 4(c) Vision Transformer on MNIST (5 points)
#
# The provided model cuts an image of 28 x 28 pixels into 16 patches of 7 x 7, makes each patch a token, puts a class token
# in front and adds a position to every token. After six of your layers the class token is asked which digit it saw.

# %%
# provided: ViT

# %% [markdown]
# The data: 50,000 images to train on, 10,000 to validate on, 10,000 to test on. The first run downloads them.

# %%
try:
    from torchvision import datasets, transforms
except Exception as problem:  # it is not there, or was made for another torch
    raise Stop(
        f"torchvision cannot be used with this torch {torch.__version__} ({problem}). Run `%pip install --upgrade torch"
        " torchvision` in a cell, so that the two fit each other, then restart the kernel; or work in Colab."
    ) from None


def mnist(train):
    """The images to train on, or those to test on; downloaded once."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # every server that does not answer would be reported
            return datasets.MNIST("mnist", train=train, download=True, transform=transforms.ToTensor())
    except (OSError, RuntimeError) as problem:
        reason = str(problem).partition("\n")[0].rstrip(":")
        raise Stop(
            f"MNIST could not be downloaded ({reason}). Is this machine online? Run this cell again when it is, or work"
            " in Colab."
        ) from None


labelled, test_set = mnist(train=True), mnist(train=False)
train_set, validation_set = random_split(labelled, [50_000, 10_000], generator=torch.Generator().manual_seed(189))

# %% [markdown]
# Training and testing, provided. The losses are means over the images of one epoch.

# %%
def mean_loss(model, images, labels):
    """Cross-entropy of a batch, averaged over its images."""
    return nn.functional.cross_entropy(model(images.to(device)), labels.to(device))


def evaluate(model, dataset, batch_size=32):
    """(mean loss, number of right answers) over a data set, without training."""
    model.eval()
    total, correct = 0.0, 0
    with torch.no_grad():
        for images, labels in DataLoader(dataset, batch_size):
            logits = model(images.to(device))
            labels = labels.to(device)
            total += nn.functional.cross_entropy(logits, labels, reduction="sum").item()
            correct += (logits.argmax(dim=-1) == labels).sum().item()
    return total / len(dataset), correct


def run_training_loop(model, batch_size=32, n_epochs=10, lr=1e-3):
    """Trains with Adam, prints one line for each epoch and returns what history.json will hold."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    history = {"epochs": n_epochs, "batch_size": batch_size, "train_loss": [], "validation_loss": []}
    for epoch in range(1, n_epochs + 1):
        model.train()
        total = 0.0
        for images, labels in tqdm(DataLoader(train_set, batch_size, shuffle=True), desc=f"Epoch {epoch}", leave=False):
            loss = mean_loss(model, images, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        history["train_loss"].append(total / len(train_set))
        history["validation_loss"].append(evaluate(model, validation_set)[0])
        print(
            f"Epoch {epoch}: train loss {history['train_loss'][-1]:.4f},"
            f" validation loss {history['validation_loss'][-1]:.4f}"
        )
    return history


def test_performance(model, batch_size=32):
    """Prints the accuracy on the test set and returns the number of right answers."""
    loss, correct = evaluate(model, test_set, batch_size)
    total = len(test_set)
    print(f"Test set: Average loss: {loss:.4f}, Accuracy: {correct}/{total} ({100 * correct / total:.4f})")
    return correct

# %% [markdown]
# Train. Ten epochs take 30 to 60 minutes, less on a newer GPU. Try `n_epochs=1` first: the losses should fall and about
# nine of ten digits be right.

# %%
model = ViT(patch_size=7, dim=64, depth=6, heads=8, mlp_dim=128, dim_head=64, dropout=0.1, emb_dropout=0.1).to(device)
history = run_training_loop(model, batch_size=32, n_epochs=10, lr=1e-3)

# %% [markdown]
# **Deliverable.** The loss trajectories on the training and the validation set. Put this plot into your write-up.

# %%
epochs = range(1, len(history["train_loss"]) + 1)
plt.plot(epochs, history["train_loss"], marker="o", label="training set")
plt.plot(epochs, history["validation_loss"], marker="s", label="validation set")
plt.xlabel("epoch")
plt.ylabel("mean cross-entropy")
plt.title("Loss of the Vision Transformer on MNIST")
plt.legend()
plt.show()

# %% [markdown]
# **Deliverable.** The test accuracy: at least 94 % (± 1 %) is expected.

# %%
history["test_correct"] = test_performance(model)
history["test_total"] = len(test_set)

# %% [markdown]
# **Save what you hand in.** The next cell writes `history.json` and `model.safetensors` beside this notebook; in Colab they
# appear in the *Files* pane on the left, from where you download them. Then save the notebook with its outputs.

# %%
if "history" not in globals():
    raise Stop("there is no history in this session, and no file was touched. Run the training cell first, then this one.")
if "test_correct" not in history:
    print("The test accuracy is not in history yet: run the cell that prints it, then this one again.")

with open("history.json.new", "w") as file:  # written beside: what is there stays until the new file is whole
    json.dump(history, file, indent=1)
os.replace("history.json.new", "history.json")
print("wrote history.json")

try:
    from safetensors.torch import save_file
except ImportError:
    print("model.safetensors was not written: run `pip install safetensors`, then this cell again. No need to retrain.")
else:
    weights = {name: weight.detach().cpu().contiguous() for name, weight in model.state_dict().items()}
    save_file(weights, "model.safetensors.new")
    os.replace("model.safetensors.new", "model.safetensors")
    print("wrote model.safetensors")

# %% [markdown]
# **All public tests.** Save the notebook, take the `#` away, and run.

# %%
# !python -m autograder check hw6.ipynb
