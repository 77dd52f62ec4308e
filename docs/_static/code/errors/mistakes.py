"""Make mistakes that are often made with TensorFlow, Keras and LiteRT, and then put them right.

Prints each error as a reader meets it, then what the cure gives. Writes small files into the
current folder, small_model/1 among them, and, with --all, mistakes.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts import ProgramError, check_writable, run, whole

if TYPE_CHECKING:  # imported when it is needed, so that --help needs nothing
    import keras
    from ai_edge_litert.interpreter import Interpreter

LINES = 12  # of a message; what tells stands at its beginning or its end
WIDTH = 500  # of a line
MISTAKES: dict[str, Callable[[bool], object]] = {}


def mistake(function: Callable[[bool], object]) -> Callable[[bool], object]:
    """Register a function that makes a mistake or, called with True, does it right."""
    MISTAKES[function.__name__] = function
    return function


# What the mistakes are made with: small models.


def small_model() -> keras.Model:
    """Return a model that makes 2 numbers of 4, `image`."""
    import keras

    image = keras.Input((4,), name="image")
    return keras.Model(image, keras.layers.Dense(2, kernel_initializer="ones")(image))


def small_converter(model: keras.Model | None = None) -> Any:
    """Return a converter of a model, or of the small one."""
    import tensorflow as tf

    return tf.lite.TFLiteConverter.from_keras_model(model or small_model())


def small_interpreter() -> Interpreter:
    """Return an interpreter of the small model."""
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_content=small_converter().convert())


# Keras


@mistake
def file_not_found_filepath(cured: bool) -> object:
    """Load a .keras file that was cut, as by a broken download."""
    import keras

    small_model().save("whole.keras")
    content = Path("whole.keras").read_bytes()
    Path("cut.keras").write_bytes(content[: len(content) // 2])
    return keras.models.load_model("whole.keras" if cured else "cut.keras").input_shape


@mistake
def file_format_not_supported(cured: bool) -> object:
    """Load a SavedModel with Keras 3."""
    import keras
    import tensorflow as tf

    small_model().export("exported", verbose=False)
    return list(
        tf.saved_model.load("exported").signatures if cured else keras.models.load_model("exported")
    )


@mistake
def could_not_deserialize_keras_metrics_mse(cured: bool) -> object:
    """Load an .h5 file of a model that was compiled with the name of a loss."""
    import keras

    model = small_model()
    model.compile(loss="mse")
    model.save("loss.h5")
    return keras.models.load_model("loss.h5", compile=not cured).input_shape


@mistake
def could_not_locate_class(cured: bool) -> object:
    """Load a .keras file with a layer of one's own."""
    import keras

    class Scale(keras.layers.Layer):
        def call(self, values: Any) -> Any:
            return 2 * values

    keras.Sequential([keras.Input((4,)), Scale()]).save("own.keras")
    own = {"Scale": Scale} if cured else {}
    return keras.models.load_model("own.keras", custom_objects=own).input_shape


@mistake
def unknown_layer(cured: bool) -> object:
    """Load an .h5 file with a layer of one's own."""
    import keras

    class Double(keras.layers.Layer):
        def call(self, values: Any) -> Any:
            return 2 * values

    keras.Sequential([keras.Input((4,)), Double()]).save("own.h5")
    own = {"Double": Double} if cured else {}
    return keras.models.load_model("own.h5", custom_objects=own).input_shape


@mistake
def requested_the_deserialization_of_a_lambda_layer(cured: bool) -> object:
    """Load a model with a Lambda layer, which holds code."""
    import keras

    layer = keras.layers.Lambda(lambda values: 2 * values)
    keras.Sequential([keras.Input((4,)), layer]).save("lambda.keras")
    return keras.models.load_model("lambda.keras", safe_mode=not cured).input_shape


@mistake
def layer_expects_1_input(cured: bool) -> object:
    """Give a layer two inputs in a list."""
    import keras

    left, right = keras.Input((4,)), keras.Input((4,))
    both = keras.layers.Concatenate()([left, right]) if cured else [left, right]
    return keras.layers.Dense(2)(both).shape


@mistake
def incompatible_with_the_layer(cured: bool) -> object:
    """Predict another number of values than the model takes."""
    import numpy as np

    return small_model().predict(np.zeros((1, 4 if cured else 3)), verbose=0).shape


@mistake
def not_yet_been_built(cured: bool) -> object:
    """Export a model that does not know what it takes."""
    import keras

    model = keras.Sequential([keras.layers.Dense(2)])
    if cured:
        model.build((None, 4))
    model.export("built", verbose=False)
    return model.input_shape


@mistake
def unrecognized_keyword_arguments_groups(cured: bool) -> object:
    """Load an .h5 file that Keras 2 wrote: it says `groups` where Keras 3 knows none."""
    import h5py
    import keras

    class Depthwise(keras.layers.DepthwiseConv2D):
        def __init__(self, groups: int = 1, **options: Any) -> None:
            super().__init__(**options)

    image = keras.Input((8, 8, 2))
    keras.Model(image, keras.layers.DepthwiseConv2D(3)(image)).save("keras2.h5")
    with h5py.File("keras2.h5", "a") as file:
        config = file.attrs["model_config"]
        file.attrs["model_config"] = config.replace('"depth_', '"groups": 1, "depth_', 1)
    own = {"DepthwiseConv2D": Depthwise} if cured else {}
    return keras.models.load_model("keras2.h5", custom_objects=own).input_shape


@mistake
def no_model_config_found(cured: bool) -> object:
    """Load weights as if they were a model."""
    import keras

    model = small_model()
    model.save_weights("only.weights.h5")
    if cured:
        model.load_weights("only.weights.h5")  # into a model that is built as before
    else:
        model = keras.models.load_model("only.weights.h5")
    return model.input_shape


@mistake
def truncated_file(cured: bool) -> object:
    """Load an .h5 file that was cut."""
    import keras

    small_model().save("whole.h5")
    content = Path("whole.h5").read_bytes()
    Path("cut.h5").write_bytes(content[: len(content) // 2])
    return keras.models.load_model("whole.h5" if cured else "cut.h5").input_shape


@mistake
def filename_must_end_in_weights_h5(cured: bool) -> object:
    """Save weights under a name that Keras 2 took."""
    target = "mine.weights.h5" if cured else "mine.h5"
    small_model().save_weights(target)
    return Path(target).exists()


@mistake
def kerastensor_cannot_be_used(cured: bool) -> object:
    """Call a function of TensorFlow while a model is described."""
    import keras
    import tensorflow as tf

    image = keras.Input((4,))
    squares = keras.ops.square(image) if cured else tf.square(image)
    return keras.Model(image, squares).output_shape


# SavedModels


@mistake
def savedmodel_file_does_not_exist(cured: bool) -> object:
    """Load the folder of the versions."""
    import tensorflow as tf

    small_model().export("small_model/1", verbose=False)
    return list(tf.saved_model.load("small_model/1" if cured else "small_model").signatures)


@mistake
def userobject_object_has_no_attribute(cured: bool) -> object:
    """Call what tf.saved_model.load returns as if it were a Keras model."""
    import tensorflow as tf

    small_model().export("loaded/1", verbose=False)
    loaded = tf.saved_model.load("loaded/1")
    image = tf.zeros((1, 4))
    outputs = loaded.signatures["serving_default"](image=image) if cured else loaded.predict(image)
    return list(outputs)


@mistake
def expected_to_be_a_float_tensor(cured: bool) -> object:
    """Give a signature NumPy's float64."""
    import numpy as np
    import tensorflow as tf

    small_model().export("typed/1", verbose=False)
    signature = tf.saved_model.load("typed/1").signatures["serving_default"]
    image = np.zeros((1, 4), "float32" if cured else "float64")
    return list(signature(image=tf.constant(image)))


@mistake
def can_not_cast_tensorspec(cured: bool) -> object:
    """Call a loaded model with another shape."""
    import tensorflow as tf

    small_model().export("shaped/1", verbose=False)
    loaded = tf.saved_model.load("shaped/1")
    return loaded.serve(tf.zeros((1, 4) if cured else (1, 2, 2))).shape


@mistake
def missing_required_arguments(cured: bool) -> object:
    """Call a signature by another name of the input."""
    import tensorflow as tf

    small_model().export("named/1", verbose=False)
    signature = tf.saved_model.load("named/1").signatures["serving_default"]
    return list(signature(**{"image" if cured else "picture": tf.zeros((1, 4))}))


# Conversion


@mistake
def tensorlistreserve_element_shape(cured: bool) -> object:
    """Convert a recurrent model whose batch is open."""
    import keras

    series = keras.Input(batch_shape=(1 if cured else None, 5, 3))
    model = keras.Model(series, keras.layers.LSTM(4)(series))
    return type(small_converter(model).convert()).__name__


@mistake
def some_ops_are_not_supported(cured: bool) -> object:
    """Convert an operator that TensorFlow Lite does not have, but TensorFlow does."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1, 3), tf.float32)])
    def model(values: Any) -> Any:
        return values * values if cured else tf.math.erf(values)

    functions = [model.get_concrete_function()]
    return type(tf.lite.TFLiteConverter.from_concrete_functions(functions).convert()).__name__


@mistake
def neither_a_custom_op_nor_a_flex_op(cured: bool) -> object:
    """Convert an operator that Select TF ops does not have either."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1, 3), tf.float32)])
    def model(values: Any) -> Any:
        return tf.math.log(values) if cured else tf.math.asinh(values)

    functions = [model.get_concrete_function()]
    return type(tf.lite.TFLiteConverter.from_concrete_functions(functions).convert()).__name__


@mistake
def select_tensorflow_ops(cured: bool) -> object:
    """Run in LiteRT alone what was converted with Select TF ops."""
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    @tf.function(input_signature=[tf.TensorSpec((1, 3), tf.float32)])
    def model(values: Any) -> Any:
        return tf.math.tanh(values) if cured else tf.math.erf(values)

    functions = [model.get_concrete_function()]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(functions)
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    interpreter = Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    return interpreter.get_input_details()[0]["shape"]


@mistake
def representative_dataset_must_be_specified(cured: bool) -> object:
    """Quantize to whole numbers without calibration."""
    import numpy as np
    import tensorflow as tf

    converter = small_converter()
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if cured:
        converter.representative_dataset = lambda: ([np.ones((1, 4), "float32")] for _ in range(9))
    return type(converter.convert()).__name__


@mistake
def input_dims_size(cured: bool) -> object:
    """Calibrate a convolution without its batch dimension."""
    import keras
    import numpy as np
    import tensorflow as tf

    image = keras.Input((8, 8, 1))
    converter = small_converter(keras.Model(image, keras.layers.Conv2D(2, 3)(image)))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    shape = (1, 8, 8, 1) if cured else (8, 8, 1)
    converter.representative_dataset = lambda: ([np.ones(shape, "float32")] for _ in range(9))
    return type(converter.convert()).__name__


@mistake
def unsupported_value_from_dataset(cured: bool) -> object:
    """Yield samples for calibration as arrays, in neither a list nor a dict."""
    import numpy as np
    import tensorflow as tf

    converter = small_converter()
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    sample = np.ones((1, 4), "float32")
    converter.representative_dataset = lambda: ([sample] if cured else sample for _ in range(9))
    return type(converter.convert()).__name__


@mistake
def module_numpy_has_no_attribute_object(cured: bool) -> object:
    """Use a name that NumPy 1.24 has dropped, as old converters do."""
    import numpy as np

    kind = object if cured else np.object  # type: ignore[attr-defined]
    return np.zeros(1, kind).dtype


# LiteRT


@mistake
def tf_lite_interpreter_is_deprecated(cured: bool) -> object:
    """Use the interpreter that comes with TensorFlow; its warning is an error here."""
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    content = small_converter().convert()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        interpreter = (Interpreter if cured else tf.lite.Interpreter)(model_content=content)
    return interpreter.get_input_details()[0]["shape"]


@mistake
def could_not_open(cured: bool) -> object:
    """Name a file that is not in the current folder."""
    from ai_edge_litert.interpreter import Interpreter

    Path("here.tflite").write_bytes(small_converter().convert())
    interpreter = Interpreter("here.tflite" if cured else "models/here.tflite")
    return interpreter.get_input_details()[0]["shape"]


@mistake
def not_a_valid_flatbuffer_buffer(cured: bool) -> object:
    """Load what Git LFS leaves in place of a large file."""
    from ai_edge_litert.interpreter import Interpreter

    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 1210816\n"
    content = small_converter().convert() if cured else pointer
    return Interpreter(model_content=content).get_input_details()[0]["shape"]


@mistake
def got_value_of_type_float64(cured: bool) -> object:
    """Give the interpreter NumPy's float64."""
    import numpy as np

    interpreter = small_interpreter()
    interpreter.allocate_tensors()
    image = np.zeros((1, 4))
    if cured:
        image = image.astype("float32")
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    return image.dtype


@mistake
def got_value_of_type_uint8(cured: bool) -> object:
    """Give the interpreter a picture as it was read."""
    import numpy as np

    interpreter = small_interpreter()
    interpreter.allocate_tensors()
    image = np.full((1, 4), 255, "uint8")
    if cured:
        image = (image / 255).astype("float32")
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    return image.dtype


@mistake
def dimension_mismatch_for_dimension(cured: bool) -> object:
    """Give a model for one sample five."""
    import numpy as np

    interpreter = small_interpreter()
    index = interpreter.get_input_details()[0]["index"]
    if cured:
        interpreter.resize_tensor_input(index, (5, 4))
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, np.zeros((5, 4), "float32"))
    return interpreter.get_input_details()[0]["shape"]


@mistake
def dimension_mismatch_for_input(cured: bool) -> object:
    """Leave out the batch dimension."""
    import numpy as np

    interpreter = small_interpreter()
    interpreter.allocate_tensors()
    image = np.zeros(4, "float32")
    if cured:
        image = image[np.newaxis]
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    return image.shape


@mistake
def tensor_is_unallocated(cured: bool) -> object:
    """Set a tensor before there is memory for it."""
    import numpy as np

    interpreter = small_interpreter()
    if cured:
        interpreter.allocate_tensors()
    image = np.zeros((1, 4), "float32")
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    return image.shape


@mistake
def invoke_called_on_model_that_is_not_ready(cured: bool) -> object:
    """Compute before there is memory."""
    interpreter = small_interpreter()
    if cured:
        interpreter.allocate_tensors()
    interpreter.invoke()
    return interpreter.get_output_details()[0]["shape"]


@mistake
def reference_to_internal_data(cured: bool) -> object:
    """Keep a view of the interpreter's memory while it computes again."""
    interpreter = small_interpreter()
    interpreter.allocate_tensors()
    scores = interpreter.tensor(interpreter.get_output_details()[0]["index"])()
    if cured:
        scores = scores.copy()
    interpreter.invoke()
    return scores.shape


@mistake
def invalid_input_name_for_a_signature(cured: bool) -> object:
    """Call a signature of a .tflite by another name of the input."""
    import numpy as np

    runner = small_interpreter().get_signature_runner()
    return list(runner(**{"image" if cured else "picture": np.zeros((1, 4), "float32")}))


@mistake
def tensor_data_is_null(cured: bool) -> object:
    """Read a result between two layers, of which the memory is used again."""
    import keras
    from ai_edge_litert.interpreter import Interpreter

    layers = [keras.Input((4,)), *(keras.layers.Dense(3, "tanh") for _ in range(3))]
    content = small_converter(keras.Sequential(layers)).convert()
    interpreter = Interpreter(model_content=content, experimental_preserve_all_tensors=cured)
    interpreter.allocate_tensors()
    interpreter.invoke()
    tensors = [interpreter.get_tensor(t["index"]) for t in interpreter.get_tensor_details()]
    return len(tensors)


@mistake
def source_buffer_is_larger(cured: bool) -> object:
    """Write floats into the buffer of an int8 model (CompiledModel)."""
    import keras
    import numpy as np
    import tensorflow as tf
    from ai_edge_litert.compiled_model import CompiledModel

    image = keras.Input(batch_shape=(1, 4))
    converter = small_converter(keras.Model(image, keras.layers.Dense(2)(image)))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([np.ones((1, 4), "float32")] for _ in range(9))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    Path("int8.tflite").write_bytes(converter.convert())
    values = np.zeros((1, 4), "int8" if cured else "float32")
    CompiledModel.from_file("int8.tflite").create_input_buffers(0)[0].write(values)
    return values.dtype


# Making them


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Leave out what libraries print on their own, those in C++ too."""
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            for number, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, number)
                os.close(copy)


def attempt(name: str, *, cured: bool) -> str:
    """Make a mistake, or do it right; return what came of it."""
    import keras

    with silence():  # also while what was made is given back
        keras.utils.clear_session()  # numbers layers from the beginning
        try:
            return f"cured: {MISTAKES[name](cured)}"
        except Exception as error:  # each library has classes of its own
            return short(f"{type(error).__name__}: {error}")


def short(message: str) -> str:
    """Return the first lines and the last of a message, the long ones cut.

    Left out are the lines of TensorFlow's own code that the converter quotes, each with a ^ below.
    """
    message = re.sub(r"(?m)^.*note: called from\n|^.*\n *\^\n", "", message)
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    lines = [line if len(line) <= WIDTH else f"{line[:WIDTH]}…" for line in lines]
    return "\n".join(lines if len(lines) <= LINES else [*lines[: LINES - 2], "…", lines[-1]])


def make(name: str) -> str:
    """Make a mistake, put it right, print both; return the class of the error, "" if it failed."""
    message, cure = (attempt(name, cured=cured) for cured in (False, True))
    print(f"{message}\n{cure}", flush=True)
    as_said = cure.startswith("cured: ") and not message.startswith("cured: ")
    return message.partition(":")[0] if as_said else ""


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", choices=MISTAKES, metavar="NAME", help="of a mistake")
    parser.add_argument("--all", action="store_true", help="make all of them")
    options = parser.parse_args()
    if options.all == bool(options.name):
        parser.error(f"name one mistake, or --all: {', '.join(MISTAKES)}")
    return options


def main() -> None:
    """Make the mistakes that were asked for."""
    options = parse_options()
    check_writable()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    warnings.simplefilter("ignore")
    made = {}
    for name in MISTAKES if options.all else [options.name]:
        if options.all:
            print(f"== {name}", flush=True)
        made[name] = make(name)
    if changed := [name for name, error in made.items() if not error]:
        raise ProgramError(f"not the mistakes that they were: {', '.join(changed)}")
    if options.all:
        with whole("mistakes.json") as file:
            file.write_text(json.dumps(made))


if __name__ == "__main__":
    run(main)
