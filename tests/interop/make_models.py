"""Writes tests/vectors/segmentation: small models of random weights, made with the real libraries, and what these compute.

Needs torch, segmentation-models-pytorch, dynamic-network-architectures, onnx, onnxruntime and fibsem 0.5.3:

    python tests/interop/make_models.py FOLDER

Widths are an eighth or a sixteenth of the usual ones, so that a model is some 100 kB; everything else is as the libraries
make it. Every model gets the same picture; `index.json` names model, backend and results (raw float32 or uint8).
"""

import collections
import json
import sys
from pathlib import Path

import numpy as np
import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
from fibsem.segmentation.onnx_model import SegmentationModelONNX, SegmentationModelWindowONNX
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from segmentation_models_pytorch.base import SegmentationHead
from segmentation_models_pytorch.encoders.resnet import ResNetEncoder
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck


def picture(height, width):
    y, x = np.mgrid[0:height, 0:width]
    wave = 90 + 60 * np.sin(x / 9.0) * np.cos(y / 7.0) + 40 * (((x // 16) + (y // 12)) % 2)
    return (wave + (x * 7 + y * 13 + x * y) % 31).astype(np.uint8)


def narrow(layers, block, share):
    """The library's encoder with a share of its channels."""

    class Narrow(ResNetEncoder):
        def _make_layer(self, block, planes, *rest, **named):
            if planes == 64:
                self.inplanes = 64 // share
            return super()._make_layer(block, planes // share, *rest, **named)

    widths = [64 // share] + [n * block.expansion // share for n in (64, 128, 256, 512)]
    encoder = Narrow(out_channels=(3, *widths), depth=5, block=block, layers=layers)
    encoder.conv1 = nn.Conv2d(1, 64 // share, 7, 2, 3, bias=False)
    encoder.bn1 = nn.BatchNorm2d(64 // share)
    return encoder, (1, *widths)


class Unet(nn.Module):
    """smp.Unet with such an encoder."""

    def __init__(self, layers, block, share, classes):
        super().__init__()
        self.encoder, widths = narrow(layers, block, share)
        decoder = tuple(max(n // share, 4) for n in (256, 128, 64, 32, 16))
        self.decoder = UnetDecoder(encoder_channels=widths, decoder_channels=decoder, n_blocks=5)
        self.segmentation_head = SegmentationHead(decoder[-1], classes, kernel_size=3)

    def forward(self, x):
        return self.segmentation_head(self.decoder(*self.encoder(x)))


def trained(model, channels=1):
    """Statistics and gains as training leaves them: none of them 0 or 1."""
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.InstanceNorm2d)) and module.weight is not None:
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
    model.train()
    with torch.no_grad():
        for _ in range(20):
            model(torch.rand(2, channels, 96, 96))
    return model.eval()


def segformer(folder, image):
    """A folder as transformers saves it: SegFormer of a few channels, its processor, and what both make of the picture."""
    from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessor

    config = SegformerConfig(
        depths=[1, 2, 1, 1], sr_ratios=[8, 4, 2, 1], hidden_sizes=[8, 16, 24, 32], num_attention_heads=[1, 2, 3, 4],
        mlp_ratios=[2, 2, 2, 2], decoder_hidden_size=16, num_labels=4,
        id2label={0: "background", 1: "lamella", 2: "manipulator", 3: "post"},
    )
    config.label2id = {label: i for i, label in config.id2label.items()}
    torch.manual_seed(7)
    model = SegformerForSemanticSegmentation(config)
    for module in model.modules():
        if isinstance(module, (nn.LayerNorm, nn.BatchNorm2d)):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
        elif isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.normal_(module.weight, 0, 1.2 / module.weight[0].numel() ** 0.5)
    head = model.decode_head.batch_norm
    head.running_mean.normal_(0, 0.3)
    head.running_var.uniform_(0.5, 2)
    model.eval()
    processor = SegformerImageProcessor(size={"height": 96, "width": 64})
    model.save_pretrained(folder / "segformer", safe_serialization=True)
    processor.save_pretrained(folder / "segformer")
    inputs = processor(np.repeat(image[:, :, None], 3, axis=2), return_tensors="pt")
    with torch.no_grad():
        logits = model(**inputs).logits
    logits = nn.functional.interpolate(logits, size=image.shape, mode="bilinear", align_corners=False)[0]
    logits.numpy().astype("<f4").tofile(folder / "segformer.logits")
    return {"folder": "segformer", "backend": "huggingface", "logits": "segformer.logits", "classes": 4}


def sam(folder):
    """A folder as transformers saves it: SAM of a few channels and odd sizes, and what it answers to points."""
    from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig

    config = SamConfig(
        SamVisionConfig(hidden_size=24, output_channels=32, num_hidden_layers=3, num_attention_heads=4, image_size=64,
                        patch_size=8, window_size=3, global_attn_indexes=[1], num_pos_feats=16, mlp_dim=40),
        SamPromptEncoderConfig(hidden_size=32, image_size=64, patch_size=8, mask_input_channels=16),
        SamMaskDecoderConfig(hidden_size=32, mlp_dim=48, num_hidden_layers=2, num_attention_heads=4,
                             iou_head_hidden_dim=24),
    )
    torch.manual_seed(11)
    model = SamModel(config)
    for name, values in model.named_parameters():
        with torch.no_grad():
            if values.ndim == 1 and name.endswith("weight"):
                values.uniform_(0.5, 1.5)
            elif values.ndim == 1 or "embed" in name or "rel_pos" in name or "token" in name:
                values.normal_(0, 0.3)
            else:
                values.normal_(0, 1.2 / values[0].numel() ** 0.5)
            values.copy_(values.half().float())
    waves = model.shared_image_embedding.positional_embedding
    waves.copy_(torch.randn(waves.shape).half().float())
    model.eval()
    model.half().save_pretrained(folder / "sam", safe_serialization=True)
    model.float()
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    pixels = torch.stack([torch.sin(x / 5 + c) * torch.cos(y / (4 + c)) for c in range(3)])[None].float()
    record = [pixels.numpy()]
    with torch.no_grad():
        embedding = model.get_image_embeddings(pixels)
        record.append(embedding.numpy())
        first = None
        for points, labels, box, mask in PROMPTS:
            said = {
                "input_points": points and torch.tensor([[points]], dtype=torch.float),
                "input_labels": labels and torch.tensor([[labels]]),
                "input_boxes": box and torch.tensor([[box]], dtype=torch.float),
                "input_masks": first[:, 0, 1:2] if mask else None,
            }
            made = [model(image_embeddings=embedding, multimask_output=many, **said) for many in (False, True)]
            masks = torch.cat([m.pred_masks for m in made], dim=2)
            record += [masks.numpy(), torch.cat([m.iou_scores for m in made], dim=2).numpy()]
            first = masks if first is None else first
    np.concatenate([values.ravel() for values in record]).astype("<f4").tofile(folder / "sam.f32")


# points with their labels, a box, and whether the second mask of the first answer goes in again
PROMPTS = [
    ([[10.0, 20.0]], [1], None, False),
    ([[10.0, 20.0], [50.0, 31.5]], [1, 0], None, True),
    ([[33.0, 40.0]], [1], [5.0, 8.0, 40.0, 60.0], False),
]


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(5)
    image = picture(64, 96)
    image.tofile(folder / "picture.u8")
    whole = torch.from_numpy(image.astype(np.float32))[None, None]
    index = {"picture": {"file": "picture.u8", "rows": 64, "columns": 96}, "models": []}

    def record(file, backend, result, **more):
        name = file.rsplit(".", 1)[0]
        result = np.ascontiguousarray(result)
        kind = "logits" if result.dtype == np.float32 else "labels"
        result.tofile(folder / f"{name}.{kind}")
        index["models"].append({"file": file, "backend": backend, kind: f"{name}.{kind}", "classes": 0, **more})
        if kind == "logits":
            index["models"][-1]["classes"] = int(result.shape[0])

    # smp U-Nets: today's layout, the bare one in the old container, a bottleneck encoder
    for file, layers, block, share, encoder in [
        ("unet18.pt", [2, 2, 2, 2], BasicBlock, 16, "resnet18"),
        ("bare-34.pt", [3, 4, 6, 3], BasicBlock, 16, "resnet34"),
        ("unet50.pt", [3, 4, 6, 3], Bottleneck, 32, "resnet50"),
    ]:
        model = trained(Unet(layers, block, share, classes=3))
        with torch.no_grad():
            record(file, "smp", model(whole / 255.0)[0].numpy(), network=f"unet-{encoder}")
        state = model.state_dict()
        if file == "bare-34.pt":
            torch.save(state, folder / file, _use_new_zipfile_serialization=False)
        else:
            torch.save({"checkpoint": state, "encoder": encoder, "nc": 3}, folder / file)
        if file == "unet18.pt":
            # a deprecated name: undivided, batch statistics of the picture itself
            model.train()
            with torch.no_grad():
                record("openfibsem-01-18.pt", "smp", model(whole)[0].numpy(), same=file)
            model.eval()
            torch.onnx.export(
                model, torch.rand(1, 1, 64, 96), folder / "whole.onnx", input_names=["input"], output_names=["output"],
                dynamic_axes={"input": {0: "batch_size"}, "output": {0: "batch_size"}},
            )
            labels = SegmentationModelONNX(str(folder / "whole.onnx")).inference(image, rgb=False)
            record("whole.onnx", "onnx", labels.astype(np.uint8))

    window = trained(nn.Sequential(nn.Conv2d(3, 8, 5, 1, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 5, 1, 2)), 3)
    torch.onnx.export(window, torch.rand(1, 3, 40, 40), folder / "window.onnx")
    labels = SegmentationModelWindowONNX(str(folder / "window.onnx")).inference(image, rgb=False)
    record("window.onnx", "window", labels.astype(np.uint8))

    for file, network in [("nnunet.pth", PlainConvUNet), ("nnunet-residual.pth", ResidualEncoderUNet)]:
        record(file, "nnunet", nnunet(folder / file, image, network))
    # the small U-Net of fibdeck's own training: with the size it learnt from, which is the picture's
    sys.path.insert(0, str(Path(__file__).parents[2] / "assets" / "train"))
    from torch_train import Small

    model = trained(Small(3, [4, 6, 6, 8, 8]))
    with torch.no_grad():
        record("small.pt", "onnx", model(whole / 255.0)[0].numpy(), network="unet-small")
    torch.save({"checkpoint": model.state_dict(), "network": "small", "nc": 3, "rows": 64, "columns": 96}, folder / "small.pt")
    (folder / "index.json").write_text(json.dumps(index, indent=1))


def nnunet(path, image, network):
    """Two folds of a U-Net in the layout of the export script; the mean of their logits."""
    patch, strides = [32, 48], [[1, 1], [2, 2], [2, 2]]
    folds, means = {}, []
    for fold in range(2):
        model = trained(network(
            1, 3, [8, 16, 16], nn.Conv2d, [3, 3, 3], strides, [2, 2, 2], 4, [2, 2], conv_bias=True,
            norm_op=nn.InstanceNorm2d, norm_op_kwargs={"eps": 1e-5, "affine": True}, nonlin=nn.LeakyReLU,
            nonlin_kwargs={"inplace": True},
        ))
        means.append(sliding(model, image, patch))
        state = {
            "network_weights": model.state_dict(), "trainer_name": "nnUNetTrainer", "current_epoch": 3,
            "init_args": {"configuration": "2d", "device": torch.device("cpu")},
            "inference_allowed_mirroring_axes": (0, 1), "optimizer_state": collections.Counter("odd"),
            "_best_ema": np.float64(0.5), "logging": {"mean": [np.float32(1.0)]},
        }
        folds[f"fold_{fold}"] = {"best": state, "final": state}
    configuration = {
        "patch_size": patch, "spacing": [1.0, 1.0], "normalization_schemes": ["ZScoreNormalization"],
        "use_mask_for_norm": [False], "architecture": {"arch_kwargs": {"strides": strides}},
    }
    plans = {"transpose_forward": [0, 1], "configurations": {"2d": configuration}}
    torch.save({"dataset": {"file_ending": ".tif"}, "plans": plans, "folds": folds}, path)
    return np.mean(means, axis=0).astype(np.float32)


def sliding(model, image, patch):
    """nnU-Net's inference, restated in float32 (the library accumulates in half precision)."""
    from scipy.ndimage import gaussian_filter

    data = image.astype(np.float32)
    data = (data - data.mean()) / max(data.std(), 1e-8)
    impulse = np.zeros(patch)
    impulse[tuple(p // 2 for p in patch)] = 1
    weight = gaussian_filter(impulse, [p / 8 for p in patch], mode="constant", cval=0)
    weight[weight == 0] = weight[weight > 0].min()
    starts = []
    for n, p in zip(data.shape, patch):
        count = int(np.ceil((n - p) / (p * 0.5))) + 1
        starts.append([int(np.round((n - p) / max(count - 1, 1) * i)) for i in range(count)])
    total, weights = np.zeros((4, *data.shape)), np.zeros(data.shape)
    for y in starts[0]:
        for x in starts[1]:
            tile = torch.from_numpy(data[y:y + patch[0], x:x + patch[1]].copy())[None, None]
            with torch.no_grad():
                runs = [torch.flip(model(torch.flip(tile, axes)), axes) for axes in ([], [2], [3], [2, 3])]
            total[:, y:y + patch[0], x:x + patch[1]] += np.mean([r[0].numpy() for r in runs], axis=0) * weight
            weights[y:y + patch[0], x:x + patch[1]] += weight
    return total / weights


if __name__ == "__main__":
    main(Path(sys.argv[1]))
