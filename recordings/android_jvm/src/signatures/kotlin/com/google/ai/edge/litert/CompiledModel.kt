// The signatures of com.google.ai.edge.litert 2.x that the project uses. The package is only in
// Google's repository; with these its caller can at least be compiled. Nothing here runs.
package com.google.ai.edge.litert

import android.content.res.AssetManager

enum class Accelerator {
    CPU
}

abstract class TensorBuffer : AutoCloseable {
    abstract fun writeFloat(data: FloatArray)

    abstract fun readFloat(): FloatArray
}

abstract class CompiledModel : AutoCloseable {
    abstract fun createInputBuffers(): List<TensorBuffer>

    abstract fun createOutputBuffers(): List<TensorBuffer>

    abstract fun run(inputs: List<TensorBuffer>, outputs: List<TensorBuffer>)

    class Options(vararg val accelerators: Accelerator)

    companion object {
        fun create(assets: AssetManager, assetName: String, options: Options): CompiledModel =
            throw UnsupportedOperationException("$assetName $options $assets: signatures only")
    }
}
