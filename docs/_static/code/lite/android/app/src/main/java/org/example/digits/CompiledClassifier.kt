package org.example.digits

import android.content.res.AssetManager
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel

/**
 * A network whose input and output are float32, with CompiledModel, the newer API of LiteRT.
 *
 * It opens the asset itself and makes its own buffers: no mapping, no byte order, no float[1][10].
 */
internal class CompiledClassifier(assets: AssetManager, private val shape: IntArray) : Classifier {
    private val model =
        CompiledModel.create(assets, ModelFile.MODEL, CompiledModel.Options(Accelerator.CPU))
    private val inputs = model.createInputBuffers()
    private val outputs = model.createOutputBuffers()

    override fun inputShape(): IntArray = shape

    override fun classify(picture: FloatArray): FloatArray {
        inputs[0].writeFloat(picture)
        model.run(inputs, outputs)
        return outputs[0].readFloat()
    }

    override fun close() {
        (inputs + outputs).forEach { it.close() }
        model.close()
    }
}
