"""What the messages of a failed deployment mean: the text, the cause, what to do.

check_deployment.py looks here. The name of an entry is that of its place on the page of errors.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Cause(NamedTuple):
    """Why something failed.

    Attributes:
        entry: its place on the page of errors, or nothing: the first eight words of the message.
        pattern: of the message, as the library words it.
        cause: in a sentence.
        cure: what to do about it.
    """

    entry: str
    pattern: str
    cause: str
    cure: str


PAGE = "errors.html"
CAUSES = [
    # what ends a process comes first: a crash's last words may be about something else
    Cause(
        "crashes-tensorflow-s-calibration",
        r"crashed in the converter to int8",
        "calibrating crashes TensorFlow on this model, most often on the loop of an LSTM or GRU",
        "give recurrent layers unroll=True and a fixed length; or use float16",
    ),
    Cause(
        "crashed-sigabrt",
        r"^crashed",
        "native code ended the process; nothing could be caught",
        "try the newest version; report it with the model",
    ),
    Cause(
        "no-answer-within",
        r"no answer within",
        "it took longer than --limit",
        "allow more with --limit, or try a smaller model",
    ),
    # reading
    Cause(
        "has-a-layer-of-your-own",
        r"has a layer of your own",
        "a class or Lambda of the program that trained the model",
        "export it there with model.export('my_model/1') and check the SavedModel",
    ),
    Cause(
        "",
        r"has no signature",
        "the SavedModel was saved without signatures",
        "save it with model.export, or tf.saved_model.save(…, signatures=…)",
    ),
    # TensorFlow Lite's converter
    Cause(
        "tf-tensorlistreserve-op-requires-element-shape-to-be",
        r"TensorListReserve.*element_shape|element_shape to be static",
        "a recurrent layer with an open batch",
        "fix the batch: python convert.py MODEL.keras --batch 1",
    ),
    Cause(
        "neither-a-custom-op-nor-a-flex-op",
        r"'tf\.\w+' op is neither a custom op nor a flex op(?=[\s\S]*xf64>)",
        "numbers of 64 bits, for which TensorFlow Lite has next to no operator",
        "build the model again with dtype='float32' and give it the same weights",
    ),
    Cause(
        "op-is-neither-a-custom-op-nor-a",
        r"TF Select ops: .*|neither a custom op nor a flex op|Select TensorFlow op",
        "TensorFlow Lite lacks these operators",
        "take them out of the model: prepare inputs in the application",
    ),
    Cause(
        "op-is-neither-a-custom-op-nor-a",
        r"Custom ops: .*|Encountered unresolved custom op",
        "TensorFlow Lite lacks these operators, and TensorFlow's cannot be lent to it",
        "take them out of the model: prepare inputs in the application",
    ),
    Cause(
        "",
        r"None is only supported in the 1st dimension",
        "an open size besides the batch",
        "write the size in keras.Input",
    ),
    # LiteRT, also for microcontrollers
    Cause(
        "litert-js-takes-no",
        r"LiteRT\.js takes no ",
        "LiteRT.js has tensors of float32 and int32 only",
        "give the model such inputs and outputs; look strings up in the page",
    ),
    Cause(
        "didn-t-find-op-for-builtin-opcode",
        r"Didn't find op for builtin opcode|Op builtin_code out of range",
        "the interpreter of microcontrollers lacks an operator",
        "replace the layer; see micro_mutable_op_resolver.h for what there is",
    ),
    Cause(
        "input-type-not-supported",
        r"Input type: \w+ with filter type|[Tt]ype \w+ \(\d+\) (?:is )?not supported",
        "the interpreter of microcontrollers has no kernel for these types",
        "quantize all of it to int8",
    ),
    Cause(
        "invalid-buffer-offset",
        r"Invalid buffer offset",
        "CompiledModel has no buffers of texts",
        "look texts up outside the model, or use the Interpreter",
    ),
    Cause(
        "num-input-elements-num-output-elements",
        r"num_input_elements != num_output_elements",
        "calibration does not get along with an open batch here",
        "fix the batch: python convert.py MODEL.keras --batch 1",
    ),
    Cause(
        "",
        r"TFLM failed to allocate tensors|AllocateTensors\(\) failed",
        "the model does not get the memory it asks for, or has an operator that cannot be prepared",
        "look at the line above it in the log of run_micro.py",
    ),
    Cause(
        "int8-differs-from-the-model",
        r"int8 differs|dynamic differs",
        "256 levels are too few for the ranges of these numbers",
        "give real samples with --samples; scale the columns before the model; or use float16",
    ),
    Cause(
        "float32-differs-from-the-model",
        r" differs from",
        "the target computes something else than the model",
        "look for random or stateful layers; report it with the model",
    ),
    # TensorFlow.js
    Cause(
        "tensorflowjs-converter-failed-on",
        r"Unsupported Ops|tensorflowjs_converter failed on \S+: [A-Z]\w+(?:, [A-Z]\w+)*$",
        "TensorFlow.js lacks these operators",
        "take them out of the model: prepare inputs in the page",
    ),
    Cause(
        "fusedmatmul-only-supports-rank-1-bias",
        r"_FusedMatMul only supports rank-1 bias",
        "the backend wasm cannot run the matrix product of a recurrent layer",
        "use the backend webgl or cpu, and build recurrent layers with unroll=True",
    ),
    Cause(
        "",
        r"Kernel '(\w+)' not registered for backend",
        "this backend of TensorFlow.js lacks an operator",
        "use another backend: webgl or cpu",
    ),
    Cause(
        "",
        r"Unknown dtype|dtype .* not supported|Unsupported dtype",
        "TensorFlow.js has float32, int32, bool and string only",
        "cast in front of the model and behind it",
    ),
    # TensorFlow's own
    Cause(
        "could-not-find-variable",
        r"Could not find variable|Error while reading resource variable",
        "weights that the exported object does not list",
        "keep them as attributes of what you export: see named_signature.py",
    ),
    Cause(
        "",
        r"Op type not registered '(\w+)'",
        "an operator of another package, such as tensorflow_text",
        "leave it out of the model: neither the server nor a device has it",
    ),
    Cause(
        "",
        r"has an input of unknown rank|no size that",
        "the signature does not say which sizes it takes",
        "give samples with --samples",
    ),
]


def row(text: str) -> dict[str, str]:
    """Return what a table says of a failure: the message, and cause, cure, entry if known."""
    message, cause = explain(text)
    if cause is None:
        return {"message": message}
    entry = {"entry": cause.entry} if cause.entry else {}
    return {"message": message, "cause": cause.cause, "cure": cause.cure, **entry}


def explain(text: str) -> tuple[str, Cause | None]:
    """Return the line of a failure's text that says something, and its cause where it is known."""
    for cause in CAUSES:
        if found := re.search(cause.pattern, text):
            start = text.rfind("\n", 0, found.start()) + 1
            line = text[start:].partition("\n")[0]
            return _short(line), cause
    return _short(_first(text)), None


def _first(text: str) -> str:
    """Return the first line that is not only a heading or a place in a program."""
    dull = (
        r"\s*$|Graph execution error|Detected at|File \"|<stack traces|Traceback|INFO: |[IW]\d{4} "
    )
    lines = [line for line in text.splitlines() if not re.match(rf"\s*(?:{dull})", line)]
    return lines[0] if lines else "no reason given"


def _short(line: str) -> str:
    """Return a line without the place in a program before it, cut to what a table bears."""
    line = re.sub(r"^.*?\.(?:py|cc):\d+(?::\d+)?:? (?:error: )?", "", line.strip().lstrip("└ "))
    line = re.sub(r"^.*<unknown>:0: error: ", "", line)
    line = re.sub(r"^(?:loc\(.*\)+: |error: )+", "", line)
    line = re.sub(r"/\S*/", "", line)  # folders of this machine
    return line if len(line) <= 160 else f"{line[:159]}…"
