"""Weights that others have published: where they lie, what they weigh, under which terms. Data only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """One file that holds the weights; the sources of one name may be different files."""

    url: str
    file: str  # name under which it is kept
    size: int = 0  # bytes; 0: not published
    sha256: str = ""  # empty: none published, the first download is pinned
    drive: str = ""  # id of a file that stands on Google Drive only


@dataclass(frozen=True, slots=True)
class Part:
    """A group of a network's entries within a file, found by one of its keys whatever stands before it."""

    anchor: str  # key in the file behind the prefix
    target: str = ""  # prefix in the network


@dataclass(frozen=True, slots=True)
class Published:
    """One set of weights."""

    name: str
    what: str
    licence: str
    use: str  # the licence in plain words
    paper: str
    sources: tuple[Source, ...]
    network: str  # module:factory
    parts: tuple[Part, ...]
    variant: str = ""  # argument of the factory, if any
    optional: tuple[str, ...] = ()  # patterns of entries that a file may lack
    ignored: tuple[str, ...] = ()  # patterns of entries that a file may have besides


_LAMA = "https://github.com/Sanster/models/releases/download/add_big_lama/big-lama.pt"
_SIMPLE_LAMA = "https://github.com/enesmsahin/simple-lama-inpainting/releases/download/v0.1.0/big-lama.pt"
_LAMA_ZIP = "https://huggingface.co/smartywu/big-lama/resolve/05cb2be7f8dbe6ca7c6e78f4fc827a4b2baaa4a9/big-lama.zip"
_LAMA_DRIVE = "11RbsVSav3O-fReBsPHBE1nn8kcFIMnKp"
_MAT = "https://github.com/Sanster/models/releases/download/add_mat/Places_512_FullData_G.pth"
_MAT_HALF = "https://huggingface.co/Acly/MAT/resolve/main/MAT_Places512_G_fp16.safetensors"
_MAT_PICKLE = "https://huggingface.co/Icar/mat_places512_full/resolve/main/Places_512_FullData.pkl"


_TWO = "text encoder in a dictionary of its own"


def _drive(file: str, key: str, size: int = 0) -> tuple[Source, ...]:
    return (Source(f"https://drive.google.com/file/d/{key}/view", file, size, drive=key),)


def _lavt(name: str, dataset: str, key: str, form: str = "one network") -> Published:
    return Published(
        name=name,
        what=f"text to mask, LAVT ({form}) trained on {dataset}",
        licence="none stated for the weights (code: GPL-3.0)",
        use="the authors state no terms; ask them before any use beyond research",
        paper="Yang et al. 2022, LAVT, CVPR, arXiv 2112.02244",
        sources=_drive(f"{name}.pth", key),
        network="vidremove.nets.lavt:build",
        parts=(
            Part("backbone.patch_embed.proj.weight"),
            Part("embeddings.word_embeddings.weight", "text_encoder."),
        ),
        optional=("*.relative_position_index",),
        ignored=("text_encoder.pooler.*", "text_encoder.embeddings.position_ids"),
    )


def _transfiner(name: str, what: str, variant: str, file: str, key: str) -> Published:
    return Published(
        name=name,
        what=f"click or box to mask, Mask Transfiner {what}, COCO",
        licence="none stated for the weights (code: Apache-2.0)",
        use="the code may be used for anything; the authors state no terms for the weights",
        paper="Ke et al. 2022, Mask Transfiner, CVPR, arXiv 2111.13673",
        sources=_drive(file, key),
        network="vidremove.nets.transfiner:build",
        variant=variant,
        parts=(Part("backbone.fpn_lateral2.weight"),),
        optional=("*.relative_position_index",),
        ignored=("pixel_mean", "pixel_std", "proposal_generator.anchor_generator.cell_anchors.*"),
    )


PUBLISHED: tuple[Published, ...] = (
    Published(
        name="lama",
        what="inpainting, big-lama trained on Places2",
        licence="Apache-2.0 (the authors' word for the repository; no separate licence for the weights)",
        use="free, also commercially, as far as the authors have said; the training pictures have terms of their own",
        paper="Suvorov et al. 2022, LaMa, WACV, arXiv 2109.07161",
        sources=(
            Source(
                _LAMA, "big-lama.pt", 205_669_692, "344c77bbcb158f17dd143070d1e789f38a66c04202311ae3a258ef66667a9ea9"
            ),
            Source(
                _SIMPLE_LAMA,
                "big-lama-simple.pt",
                205_803_670,
                "7ba7aa7ac37a4d41fdbbeba3a2af7ead18058552997e3a3cd1a3b2210c9e6b4c",
            ),
            Source(_LAMA_ZIP, "big-lama.zip", 0, "f1b358ca24093b93a106183b98a3dea6e8ed09f3b43ea7251eb2c81e7b4575f6"),
            Source(
                f"https://drive.google.com/file/d/{_LAMA_DRIVE}/view",
                "big-lama-drive.zip",
                381_428_720,
                "d7161bba4d68b438f9fa7f09dcb750a223804c300c68d214a5e0be16251fba8d",
                drive=_LAMA_DRIVE,
            ),
        ),
        network="vidremove.nets.lama:build",
        parts=(Part("model.1.ffc.convl2l.weight"),),
        optional=("*.num_batches_tracked",),
    ),
    Published(
        name="mat",
        what="inpainting of large holes, MAT trained on Places2 at 512 x 512",
        licence="CC BY-NC 4.0",
        use="not for commercial use; name the authors",
        paper="Li et al. 2022, MAT, CVPR, arXiv 2203.15270",
        sources=(
            Source(
                _MAT,
                "Places_512_FullData_G.pth",
                250_619_359,
                "0512e37ebba3986b0355130b2e2c1f95736d0778ac82e91b1212b4b21c231312",
            ),
            Source(
                _MAT_HALF,
                "MAT_Places512_G_fp16.safetensors",
                0,
                "309dd6ce6e04034dc4b6b15c7bd2a4844d158e03eb2a139e0eca6b366e40c0de",
            ),
            Source(
                _MAT_PICKLE,
                "Places_512_FullData.pkl",
                0,
                "d960c4e6b3266b6b9fa74ee4458a9482160d54c06d7738696bc9a9e2b34c66dc",
            ),
        ),
        network="vidremove.nets.mat:build",
        parts=(Part("synthesis.first_stage.conv_first.conv.weight"),),
        optional=("*.resample_filter", "*.attn_mask", "*.noise_const", "*.noise_strength"),
    ),
    _lavt("lavt", "G-Ref (UMD), with the long free phrases people type", "14g8NzgZn6HzC6tP_bsQuWmh5LnOcovsE"),
    _lavt("lavt-refcoco", "RefCOCO, with left and right", "1xFMEXr6AGU97Ypj1yr8oo00uObbeIQvJ"),
    _lavt("lavt-refcoco-plus", "RefCOCO+, without left and right", "1HS8ZnGaiPJr-OmoUn4-4LVnVtD_zHY6w"),
    _lavt("lavt-gref-google", "G-Ref (Google)", "1IJeahFVLgKxu_BVmWacZs3oUzgTCeWcz"),
    _lavt("lavt-two", "G-Ref (UMD)", "1BjUnPVpALurkGl7RXXvQiAHhA-gQYKvK", _TWO),
    _lavt("lavt-two-refcoco", "RefCOCO", "13D-OeEOijV8KTC3BkFP-gOJymc6DLwVT", _TWO),
    _lavt("lavt-two-refcoco-plus", "RefCOCO+", "1B8Q44ZWsc8Pva2xD_M-KFh7-LgzeH2-2", _TWO),
    _lavt("lavt-two-gref-google", "G-Ref (Google)", "1weiw5UjbPfo3tCBPfB8tu6xFXCUG16yS", _TWO),
    *(
        _transfiner(f"transfiner{ending}", what, variant, file, key)
        for ending, what, variant, file, key in (
            ("", "R50-FPN", "r50", "output_3x_transfiner_r50.pth", "1EA9pMdUK6Ad9QsjaZz0g5jqbo_JkqtME"),
            (
                "-1x",
                "R50-FPN, trained for a third of the time",
                "r50",
                "output_1x_transfiner_r50.pth",
                "1IHNEs7PLGaw2gftHzMIOAxFzlYVPMc26",
            ),
            (
                "-deform",
                "R50-FPN with deformable convolutions",
                "r50_deform",
                "output_3x_transfiner_r50_deform.pth",
                "1N0C_ZhES7iu8qEPG2mrdxf8rWteemxQD",
            ),
            ("-r101", "R101-FPN", "r101", "output_3x_transfiner_r101.pth", "1Jn27jTpFFWjuX22xvR1upP99nOXfZ1nk"),
            (
                "-r101-deform",
                "R101-FPN with deformable convolutions",
                "r101_deform",
                "output_3x_transfiner_r101_deform.pth",
                "1TpVQksuaXlhioD3WqWppX84MB-l_Eb7-",
            ),
            ("-swin-t", "Swin-T", "swin_t", "transfiner_swint_3x.pth", "1ezIxmwdMl_cC7gCPEqtLL6zlSYd3R9wA"),
            ("-swin-b", "Swin-B", "swin_b", "transfiner_swinb_3x.pth", "1XkEwTMiyADYfvniIrBIDX7RPTSLI4fys"),
        )
    ),
)
