"""Trains a segmentation network with PyTorch for `fibdeck train --engine torch`; MIT licence.

    python torch_train.py RUN.json                      one process
    torchrun --nproc_per_node N torch_train.py RUN.json several, by DistributedDataParallel

RUN.json is openFIBSEM's training configuration as fibdeck read it, with `pairs` (picture, mask) that fibdeck has checked, `seed`,
`early_stop` and `resume`. Needs torch, torchvision, segmentation-models-pytorch, numpy and pillow; wandb where the configuration asks for it.
Every epoch is a JSON line on stdout and in save_path/metrics.jsonl, and a checkpoint as openFIBSEM writes it. What chance decides follows from seed,
epoch and picture alone, and resume.pt holds the optimizer, so that a run that was cut off goes on as if it had not been.
"""

import json
import math
import os
import sys
import time
from datetime import datetime

import numpy as np
import segmentation_models_pytorch as smp
import torch
import torch.distributed as dist
import torchvision.transforms.v2.functional as F
from PIL import Image
from torch import nn

RANK = int(os.environ.get("RANK", 0))
WORLD = int(os.environ.get("WORLD_SIZE", 1))


def tell(run, **event):
    """A line for who watches, and for later."""
    if RANK != 0:
        return
    line = json.dumps(event)
    print(line, flush=True)
    with open(os.path.join(run["save_path"], "metrics.jsonl"), "a", encoding="utf-8") as file:
        file.write(line + "\n")


def sample(run, index, epoch=None):
    """A picture (1, H, W), 0..1, and its mask (H, W); augmented as openFIBSEM does it where an epoch is given."""
    image, label = run["pairs"][index]
    image = torch.from_numpy(np.array(Image.open(image)))[None]
    label = torch.from_numpy(np.array(Image.open(label)).astype(np.int64))[None]
    label[label >= run["num_classes"]] = 0
    if run["shrink"] > 1:
        size = [side // run["shrink"] for side in image.shape[1:]]
        image = F.resize(image, size, antialias=True)
        label = F.resize(label, size, interpolation=F.InterpolationMode.NEAREST_EXACT)
    augment = run["augment"]
    if epoch is not None and augment != "none":
        rng = np.random.default_rng([run["seed"], epoch, index])
        angle = float(rng.uniform(-15, 15))
        if augment == "all":
            image, label = F.rotate(image, angle), F.rotate(label, angle)
        chance = 0.1 if augment == "all" else 0.5
        if rng.random() < chance:
            image, label = F.horizontal_flip(image), F.horizontal_flip(label)
        if augment == "mirror":
            return image.float() / 255.0, label[0]
        if rng.random() < chance:
            image, label = F.vertical_flip(image), F.vertical_flip(label)
        if rng.random() < 0.1:
            image = F.autocontrast(image)
        if rng.random() < 0.1:
            image = F.equalize(image)
        sigma = float(rng.uniform(0.1, 2.0))
        image = F.gaussian_blur(image, [3, 3], [sigma, sigma])
        image = F.adjust_brightness(image, float(rng.uniform(0.9, 1.1)))
        image = F.adjust_contrast(image, float(rng.uniform(0.9, 1.1)))
    return image.float() / 255.0, label[0]


def batch(run, indices, epoch, device):
    pairs = [sample(run, int(i), epoch) for i in indices]
    return torch.stack([p[0] for p in pairs]).to(device), torch.stack([p[1] for p in pairs]).to(device)


LOSSES = {
    "cross-entropy": nn.CrossEntropyLoss,
    "dice": lambda: smp.losses.DiceLoss(mode="multiclass"),
    "focal": lambda: smp.losses.FocalLoss(mode="multiclass"),
}


def losses(run):
    parts = [LOSSES[name]() for name in run["loss"]]
    return lambda output, target: sum(part(output, target) for part in parts)


def unit(inputs, outputs, stride=1):
    """A convolution of 3 x 3, its normalisation, and what is above 0."""
    return [nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


class Small(nn.Module):
    """A plain U-Net of half a million parameters whose first level has half the picture's size; the head brings it back."""

    WIDTHS = [16, 24, 32, 48, 64, 96]

    def __init__(self, classes, widths=None):
        super().__init__()
        widths = widths or self.WIDTHS
        self.down = nn.ModuleList(nn.Sequential(*unit(i, o, 2), *unit(o, o)) for i, o in zip([1] + widths[:-1], widths))
        # from the coarsest level to the finest
        self.up = nn.ModuleList(nn.Sequential(*unit(a + b, a)) for a, b in reversed(list(zip(widths[:-1], widths[1:]))))
        self.head = nn.ConvTranspose2d(widths[0], classes, 2, stride=2)

    def forward(self, x):
        levels = []
        for down in self.down:
            x = down(x)
            levels.append(x)
        for up, skip in zip(self.up, levels[-2::-1]):
            x = up(torch.cat([nn.functional.interpolate(x, scale_factor=2), skip], 1))
        return self.head(x)


def build(run):
    """The network; without the network's pretrained weights where they cannot be fetched."""
    if run["network"] == "small":
        return Small(run["num_classes"])
    made = dict(encoder_name=run["encoder"], in_channels=1, classes=run["num_classes"])
    weights = None if run["checkpoint"] or run["resume"] else run.get("encoder_weights", "imagenet")
    try:
        return smp.Unet(encoder_weights=weights, **made)
    except Exception as error:  # no network, or no such weights: each library says it its own way
        if weights is None:
            raise
        tell(run, event="remark", text=f"the encoder begins untrained: its weights cannot be had ({type(error).__name__})")
        return smp.Unet(encoder_weights=None, **made)


def validate(run, model, indices, loss, device):
    """Mean loss, and IoU of each class over all pictures."""
    model.eval()
    total, common, either = 0.0, np.zeros(run["num_classes"]), np.zeros(run["num_classes"])
    with torch.no_grad():
        for index in indices:
            images, labels = batch(run, [index], None, device)
            output = model(images)
            total += float(loss(output, labels))
            found = output.argmax(1)
            for c in range(run["num_classes"]):
                a, b = found == c, labels == c
                common[c] += float((a & b).sum())
                either[c] += float((a | b).sum())
    iou = [float(c / e) if e else None for c, e in zip(common, either)]
    return total / max(len(indices), 1), iou


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        run = json.load(file)
    os.makedirs(run["save_path"], exist_ok=True)
    cuda = torch.cuda.is_available()
    device = torch.device(f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if cuda else "cpu")
    if WORLD > 1:
        dist.init_process_group("nccl" if cuda else "gloo")
    torch.manual_seed(run["seed"])
    torch.use_deterministic_algorithms(True, warn_only=True)

    model = build(run).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=run["lr"])
    first, best, since = 0, None, 0
    if run["resume"]:
        state = torch.load(run["resume"], map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, best, since = state["epoch"] + 1, state["best"], state["since"]
    elif run["checkpoint"]:
        state = torch.load(run["checkpoint"], map_location=device, weights_only=True)
        model.load_state_dict(state.get("checkpoint", state))
    trained = torch.nn.parallel.DistributedDataParallel(model) if WORLD > 1 else model
    loss = losses(run)

    wandb = None
    if run["wandb"] and RANK == 0:
        try:
            import wandb

            wandb.init(project=run["wandb_project"], entity=run["wandb_entity"], config=run)
        except ImportError:
            tell(run, event="remark", text="wandb is not installed; metrics are in metrics.jsonl alone")

    count = len(run["pairs"])
    validation = list(range(int(run["split"] * count)))
    training = np.arange(len(validation), count)
    size = run["batch_size"] * WORLD
    if len(training) < size:
        raise SystemExit(f"{len(training)} pictures to learn from are fewer than a batch of {size}: use a smaller batch_size")
    tell(run, event="start", epoch=first, epochs=run["epochs"], train=len(training), validation=len(validation),
         device=str(device), processes=WORLD, parameters=sum(p.numel() for p in model.parameters()))

    for epoch in range(first, run["epochs"]):
        began = time.monotonic()
        order = np.random.default_rng([run["seed"], epoch]).permutation(training)
        steps, total = len(order) // size, 0.0
        if run["schedule"] == "cosine":
            for group in optimizer.param_groups:
                group["lr"] = run["lr"] * (0.51 + 0.49 * math.cos(math.pi * epoch / run["epochs"]))
        trained.train()
        for step in range(steps):
            mine = order[step * size:(step + 1) * size][RANK::WORLD]
            images, labels = batch(run, mine, epoch, device)
            value = loss(trained(images), labels)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            total += value.item()
            tell(run, event="step", epoch=epoch, step=step + 1, steps=steps, loss=value.item())
        if RANK == 0:
            val_loss, iou = validate(run, model, validation, loss, device)
            measured = [v for v in iou[1:] if v is not None]
            train_loss = total / steps
            figure = val_loss if validation else train_loss
            better = best is None or figure < best
            best, since = (figure, 0) if better else (best, since + 1)
            name = f"model-{datetime.now():%Y%m%d}-{epoch:02d}.pt"
            path = os.path.join(run["save_path"], name)
            # beside and then over: a cut leaves the old file or the new one
            for target, state in (
                (path, {"checkpoint": model.state_dict(), "encoder": run["encoder"], "nc": run["num_classes"], "network": run["network"],
                        "rows": images.shape[2], "columns": images.shape[3]}),
                (os.path.join(run["save_path"], "resume.pt"),
                 {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch, "best": best, "since": since}),
            ):
                torch.save(state, target + ".part")
                os.replace(target + ".part", target)
            told = dict(epoch=epoch, epochs=run["epochs"], train_loss=train_loss, val_loss=val_loss if validation else None, iou=iou,
                        mean_iou=sum(measured) / len(measured) if measured else None, best=better, checkpoint=path)
            tell(run, event="epoch", seconds=time.monotonic() - began, **told)
            if wandb:
                wandb.log({k: told[k] for k in ("train_loss", "val_loss", "mean_iou")})
        stop = torch.tensor(int(RANK == 0 and run["early_stop"] is not None and since >= run["early_stop"]), device=device)
        if WORLD > 1:
            dist.broadcast(stop, 0)
        if int(stop):
            tell(run, event="remark", text=f"nothing became better for {since} epochs: stopped")
            break
    if WORLD > 1:
        dist.destroy_process_group()
    tell(run, event="end")


if __name__ == "__main__":
    main()
