"""Ask the model server for a prediction over gRPC, in the fewest lines."""

import sys

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

stub = PredictionServiceStub(grpc.insecure_channel(sys.argv[1]))
request = PredictRequest()
request.model_spec.name = "mnist"
image = np.load("mnist_cnn_samples.npz")["image"][:1]
request.inputs["image"].CopyFrom(tf.make_tensor_proto(image))
answer = stub.Predict(request, timeout=30)
print(tf.make_ndarray(answer.outputs["output_0"])[0].argmax())
