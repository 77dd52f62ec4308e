"""Look inside a .tflite file: signatures, inputs and outputs, operators, quantisation."""

from __future__ import annotations

import argparse
from pathlib import Path

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from artifacts import ProgramError, existing, reading, run


def open_model(path: str) -> Interpreter:
    """Return an interpreter for `path`.

    Raises:
        ProgramError: if the file is missing, cut short or no TensorFlow Lite model.
    """
    with reading(existing(path, "python convert.py"), "a model"):
        content = Path(path).read_bytes()
    if content[4:8] != b"TFL3":
        raise ProgramError(f"{path} is not a TensorFlow Lite model; convert it again")
    try:
        interpreter = Interpreter(path)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ProgramError(f"{path} is damaged ({reason}); convert it again") from error
    return interpreter


def names_of(constants: type) -> dict[int, str]:
    """Return the names of an enumeration of the schema by their values."""
    return {value: name for name, value in vars(constants).items() if isinstance(value, int)}


def type_of(tensor: schema.TensorT) -> str:
    """Describe a tensor: type, shape (-1 for any batch), quantisation."""
    shape = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    kind = names_of(schema.TensorType)[tensor.type].lower()
    text = f"{kind} {[int(size) for size in shape] if shape is not None else []}"
    quantisation = tensor.quantization
    if quantisation is None or quantisation.scale is None:
        return text
    if len(quantisation.scale) > 1:
        return f"{text}, {len(quantisation.scale)} scales (per channel)"
    return f"{text}, scale {quantisation.scale[0]:.6f}, zero point {quantisation.zeroPoint[0]}"


def print_model(path: str) -> None:
    """Print what is in the file at `path`."""
    interpreter = open_model(path)
    print(f"{path}: {Path(path).stat().st_size:,} bytes")
    for name, sides in interpreter.get_signature_list().items():
        print(f"signature {name}: {', '.join(sides['inputs'])} -> {', '.join(sides['outputs'])}")
    model = schema.ModelT.InitFromPackedBuf(Path(path).read_bytes(), 0)
    graph = model.subgraphs[0]
    for side, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for index in indices:
            print(f"{side} {index}: {type_of(graph.tensors[index])}")
    operators = names_of(schema.BuiltinOperator)
    for number, operator in enumerate(graph.operators):
        code = model.operatorCodes[operator.opcodeIndex]
        name = operators[max(code.builtinCode, code.deprecatedBuiltinCode)]
        # index -1 stands for an optional input that is not there
        inputs = ", ".join(type_of(graph.tensors[i]) for i in operator.inputs if i >= 0)
        print(f"{number:2} {name} v{code.version}: {inputs}")


def main() -> None:
    """Print the named model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="mnist_cnn.tflite", help="default: %(default)s")
    print_model(parser.parse_args().model)


if __name__ == "__main__":
    run(main)
