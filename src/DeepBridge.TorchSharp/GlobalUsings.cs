global using DeepBridge.Backends;
global using DeepBridge.Ops;
global using TorchSharp;
global using Native = TorchSharp.torch.Tensor;
global using Number = TorchSharp.Scalar;
global using ScalarType = TorchSharp.torch.ScalarType;
