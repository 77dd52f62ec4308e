package org.example.digits

import android.content.res.AssetManager
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel

/**
 * Reads a handwritten digit with CompiledModel, the newer API of the same package.
 *
 * It opens the asset itself and makes its own buffers: no mapping, no byte order, no float[1][10].
 */
internal class CompiledDigitClassifier(assets: AssetManager) : AutoCloseable {
    private val model =
        CompiledModel.create(assets, "mnist_cnn.tflite", CompiledModel.Options(Accelerator.CPU))
    private val inputs = model.createInputBuffers()
    private val outputs = model.createOutputBuffers()

    /** Returns ten probabilities for 28 x 28 values from 0 to 1, light digit on dark. */
    fun classify(picture: FloatArray): FloatArray {
        inputs[0].writeFloat(picture)
        model.run(inputs, outputs)
        return outputs[0].readFloat()
    }

    override fun close() {
        (inputs + outputs).forEach { it.close() }
        model.close()
    }
}
