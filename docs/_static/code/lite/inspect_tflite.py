"""Look inside a .tflite file: signatures, inputs and outputs, operators, quantization."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from artifacts import ProgramError, existing_tflite, reading, run

if TYPE_CHECKING:  # each function imports what it needs, so that --help needs nothing
    from ai_edge_litert import schema_py_generated as schema


def read(path: str) -> bytes:
    """Return the content of the .tflite at `path`.

    Raises:
        ProgramError: if the file is missing, cut short or no TensorFlow Lite model.
    """
    with reading(existing_tflite(path), "a model"):
        content = Path(path).read_bytes()
    if content[4:8] != b"TFL3":
        raise ProgramError(f"{path} is not a TensorFlow Lite model; convert it again")
    from ai_edge_litert.interpreter import Interpreter

    try:
        Interpreter(model_content=content).allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        # operators that only a delegate or an app brings: the file may be good all the same
        if "Select TensorFlow op" not in reason and "unresolved custom op" not in reason:
            raise ProgramError(f"{path} is damaged ({reason}); convert it again") from error
    return content


def parse(content: bytes) -> schema.ModelT:
    """Return the objects of a .tflite file, as the schema of the format names them."""
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(content, 0)


def names_of(constants: type) -> dict[int, str]:
    """Return the names of an enumeration of the schema by their values."""
    return {value: name for name, value in vars(constants).items() if isinstance(value, int)}


def operators(model: schema.ModelT) -> list[str]:
    """Return the names of the operators that a model uses, each with its version."""
    from ai_edge_litert import schema_py_generated as schema

    names = names_of(schema.BuiltinOperator)
    return [
        code.customCode.decode()
        if code.customCode
        else f"{names[max(code.builtinCode, code.deprecatedBuiltinCode)]} v{code.version}"
        for code in model.operatorCodes
    ]


def type_of(tensor: schema.TensorT) -> str:
    """Describe a tensor: type, shape (-1 for any batch), quantization."""
    from ai_edge_litert import schema_py_generated as schema

    shape = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    kind = names_of(schema.TensorType)[tensor.type].lower()
    text = f"{kind} {[int(size) for size in shape] if shape is not None else []}"
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None:
        return text
    if len(quantization.scale) > 1:
        return f"{text}, {len(quantization.scale)} scales (per channel)"
    return f"{text}, scale {quantization.scale[0]:.6f}, zero point {quantization.zeroPoint[0]}"


def describe(model: schema.ModelT) -> Iterator[str]:
    """Yield a line for each signature, input, output and operator of a model."""
    for signature in model.signatureDefs or []:
        sides = (
            ", ".join(end.name.decode() for end in ends)
            for ends in (signature.inputs, signature.outputs)
        )
        yield f"signature {signature.signatureKey.decode()}: {' -> '.join(sides)}"
    graph = model.subgraphs[0]
    for side, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for index in indices:
            yield f"{side} {index}: {type_of(graph.tensors[index])}"
    names = operators(model)
    for number, operator in enumerate(graph.operators):
        # index -1 stands for an optional input that is not there
        inputs = ", ".join(type_of(graph.tensors[i]) for i in operator.inputs if i >= 0)
        yield f"{number:2} {names[operator.opcodeIndex]}: {inputs}"
    foreign = sorted({name for name in names if " " not in name})
    if foreign:
        yield f"LiteRT alone cannot run it, for it needs: {', '.join(foreign)}"


def main() -> None:
    """Print what is in the named model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="mnist_cnn.tflite", help="default: %(default)s")
    path = parser.parse_args().model
    content = read(path)
    print(f"{path}: {len(content):,} bytes")
    for line in describe(parse(content)):
        print(line)


if __name__ == "__main__":
    run(main)
