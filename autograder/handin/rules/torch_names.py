"""What `torch.nn` and its neighbours hold, as data: so that rules can be applied where torch is not installed.

Why separate: a star import brings in names that no line of the submission spells, and only these lists can tell them
from the student's own. A test compares them with the torch that is installed. Nothing here may import torch or decide.
"""

from __future__ import annotations

# Public names of torch.nn (torch 2.13; names that newer releases add are found by the test and belong here).
NN_NAMES = frozenset(
    """
    AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveLogSoftmaxWithLoss AdaptiveMaxPool1d
    AdaptiveMaxPool2d AdaptiveMaxPool3d AlphaDropout AvgPool1d AvgPool2d AvgPool3d BCELoss BCEWithLogitsLoss
    BatchNorm1d BatchNorm2d BatchNorm3d Bilinear Buffer CELU CTCLoss ChannelShuffle CircularPad1d CircularPad2d
    CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d Container Conv1d Conv2d Conv3d ConvTranspose1d
    ConvTranspose2d ConvTranspose3d CosineEmbeddingLoss CosineSimilarity CrossEntropyLoss CrossMapLRN2d DataParallel
    Dropout Dropout1d Dropout2d Dropout3d ELU Embedding EmbeddingBag FeatureAlphaDropout Flatten Fold
    FractionalMaxPool2d FractionalMaxPool3d GELU GLU GRU GRUCell GaussianNLLLoss GroupNorm Hardshrink Hardsigmoid
    Hardswish Hardtanh HingeEmbeddingLoss HuberLoss Identity InstanceNorm1d InstanceNorm2d InstanceNorm3d KLDivLoss
    L1Loss LPPool1d LPPool2d LPPool3d LSTM LSTMCell LayerNorm LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d
    LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d
    LazyInstanceNorm2d LazyInstanceNorm3d LazyLinear LeakyReLU Linear LinearCrossEntropyLoss
    LinearCrossEntropyOptions LocalResponseNorm LogSigmoid LogSoftmax MSELoss MarginRankingLoss MaxPool1d MaxPool2d
    MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d Mish Module ModuleDict ModuleList MultiLabelMarginLoss
    MultiLabelSoftMarginLoss MultiMarginLoss MultiheadAttention NLLLoss NLLLoss2d PReLU PairwiseDistance Parameter
    ParameterDict ParameterList PixelShuffle PixelUnshuffle PoissonNLLLoss RMSNorm RNN RNNBase RNNCell RNNCellBase
    RReLU ReLU ReLU6 ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d
    ReplicationPad3d SELU Sequential SiLU Sigmoid SmoothL1Loss SoftMarginLoss Softmax Softmax2d Softmin Softplus
    Softshrink Softsign SyncBatchNorm Tanh Tanhshrink Threshold Transformer TransformerDecoder
    TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer TripletMarginLoss
    TripletMarginWithDistanceLoss Unflatten Unfold UninitializedBuffer UninitializedParameter Upsample
    UpsamplingBilinear2d UpsamplingNearest2d ZeroPad1d ZeroPad2d ZeroPad3d attention common_types factory_kwargs
    functional grad init intrinsic modules parallel parameter qat quantizable quantized utils
    """.split()
)

# Functions and constants of torch.nn.functional; what it merely imports (math, Tensor, ...) stands in BORROWED below.
FUNCTIONAL_NAMES = frozenset(
    """
    GRID_SAMPLE_INTERPOLATION_MODES GRID_SAMPLE_PADDING_MODES ScalingType SwizzleType adaptive_avg_pool1d
    adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool1d_with_indices adaptive_max_pool2d
    adaptive_max_pool2d_with_indices adaptive_max_pool3d adaptive_max_pool3d_with_indices affine_grid alpha_dropout
    assert_int_or_pair avg_pool1d avg_pool2d avg_pool3d batch_norm bilinear binary_cross_entropy
    binary_cross_entropy_with_logits celu celu_ channel_shuffle conv1d conv2d conv3d conv_tbc conv_transpose1d
    conv_transpose2d conv_transpose3d cosine_embedding_loss cosine_similarity cross_entropy ctc_loss dropout
    dropout1d dropout2d dropout3d elu elu_ embedding embedding_bag feature_alpha_dropout fold fractional_max_pool2d
    fractional_max_pool2d_with_indices fractional_max_pool3d fractional_max_pool3d_with_indices gaussian_nll_loss
    gelu glu grad grid_sample group_norm grouped_mm gumbel_softmax hardshrink hardsigmoid hardswish hardtanh
    hardtanh_ hinge_embedding_loss huber_loss instance_norm interpolate kl_div l1_loss layer_norm leaky_relu
    leaky_relu_ linear linear_cross_entropy local_response_norm log_softmax logsigmoid lp_pool1d lp_pool2d lp_pool3d
    margin_ranking_loss max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d
    max_pool3d_with_indices max_unpool1d max_unpool2d max_unpool3d mish mse_loss multi_head_attention_forward
    multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss native_channel_shuffle nll_loss normalize
    one_hot pad pairwise_distance pdist pixel_shuffle pixel_unshuffle poisson_nll_loss prelu relu relu6 relu_
    reproducibility_notes rms_norm rrelu rrelu_ scaled_addmm scaled_addmm_
    scaled_dot_product_attention scaled_grouped_mm scaled_mm selu selu_
    sigmoid silu smooth_l1_loss soft_margin_loss softmax softmin softplus softshrink softsign sparse_support_notes
    tanh tanhshrink tf32_notes threshold threshold_ triplet_margin_loss triplet_margin_with_distance_loss unfold
    upsample upsample_bilinear upsample_nearest
    """.split()
)

# Names that torch.nn.functional imports for its own use: they are no part of nn, whoever reaches them.
BORROWED_NAMES = frozenset(
    """
    BroadcastingList1 BroadcastingList2 BroadcastingList3 Callable DType Optional TYPE_CHECKING Tensor
    boolean_dispatch dataclasses handle_torch_function has_torch_function has_torch_function_unary
    has_torch_function_variadic importlib math np torch warnings
    """.split()
)

# Of the names above, those that `from torch import *` brings too: then torch's own function is meant, which is free.
TORCH_ALSO = frozenset(
    """
    ModuleDict ParameterDict adaptive_avg_pool1d adaptive_max_pool1d alpha_dropout avg_pool1d batch_norm bilinear
    binary_cross_entropy_with_logits celu celu_ channel_shuffle conv1d conv2d conv3d conv_tbc conv_transpose1d
    conv_transpose2d conv_transpose3d cosine_embedding_loss cosine_similarity ctc_loss dropout embedding
    embedding_bag feature_alpha_dropout group_norm hardshrink hinge_embedding_loss instance_norm kl_div layer_norm
    log_softmax margin_ranking_loss max_pool1d max_pool1d_with_indices max_pool2d max_pool3d native_channel_shuffle
    pairwise_distance pdist pixel_shuffle pixel_unshuffle poisson_nll_loss prelu relu relu_ rms_norm rrelu rrelu_
    selu selu_ sigmoid softmax tanh threshold threshold_ triplet_margin_loss
    """.split()
)

# Names of the lists above that other modules' star imports bring; any other module may bring anything.
STAR_ELSEWHERE: dict[str, frozenset[str]] = {
    "math": frozenset({"tanh"}),
    "cmath": frozenset({"tanh"}),
    "numpy": frozenset({"pad", "tanh"}),
    "typing": frozenset(),
    "einops": frozenset(),
    "random": frozenset(),
    "time": frozenset(),
    "os": frozenset(),
    "collections": frozenset(),
    "functools": frozenset(),
    "itertools": frozenset(),
    "dataclasses": frozenset(),
}

# Modules below torch.nn that only group names: naming one is not yet a use of anything in it.
NN_GROUPS = frozenset(
    "functional init utils parameter modules attention parallel quantized quantizable qat intrinsic grad".split()
)

# Files of torch.nn.modules: torch.nn.modules.linear.Linear is torch.nn.Linear.
NN_FILES = frozenset(
    """
    activation adaptive batchnorm channelshuffle container conv distance dropout flatten fold instancenorm lazy linear
    linear_cross_entropy_options loss module normalization padding pixelshuffle pooling rnn sparse transformer
    upsampling utils
    """.split()
)

# Standard modules that torch's modules import under their own names: torch.sys.modules is sys.modules.
STANDARD_INSIDE_TORCH = frozenset(
    "sys os math builtins importlib inspect functools itertools operator warnings threading ctypes platform".split()
)

# Packages whose modules import torch under the names `torch`, `nn`, `F`: reached through them it is the same torch.
TORCH_FAMILY = frozenset({"torch", "torchvision", "torchaudio", "torchtext", "timm", "functorch"})

# Packages that exist for attention: using any of them is using a ready-made one.
ATTENTION_PACKAGES = frozenset(
    """
    xformers x_transformers vit_pytorch flash_attn local_attention linear_attention_transformer performer_pytorch
    reformer_pytorch axial_attention memory_efficient_attention_pytorch transformer_engine pytorch_pretrained_vit
    rotary_embedding_torch fast_transformers linformer nystrom_attention sageattention simple_vit
    """.split()
)

# Packages that hold attention among other things: only names that say so are counted, the rest is shown to staff.
MODEL_PACKAGES = frozenset(
    """
    torchvision torchaudio torchtext timm transformers keras keras_core tensorflow jax flax haiku equinox mxnet paddle
    diffusers fairseq sentence_transformers open_clip clip monai mmcv mmpretrain segmentation_models_pytorch
    pytorch_lightning lightning fastai allennlp tinygrad mlx adapters peft
    """.split()
)

# Their parts that only prepare data, which a notebook of this homework uses.
DATA_MODULES = ("torchvision.transforms", "torchvision.datasets", "torchvision.utils")
