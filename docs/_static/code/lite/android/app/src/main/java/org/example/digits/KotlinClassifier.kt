package org.example.digits

import android.content.res.AssetManager
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.MappedByteBuffer
import java.nio.channels.FileChannel
import org.tensorflow.lite.Interpreter

// [load]
/** Maps an asset into memory; it must be stored uncompressed. */
internal fun AssetManager.map(path: String): MappedByteBuffer =
    openFd(path).use { asset ->
        FileInputStream(asset.fileDescriptor).use { stream ->
            stream.channel.map(
                FileChannel.MapMode.READ_ONLY,
                asset.startOffset,
                asset.declaredLength,
            )
        }
    }

// [brightness]
/** How light each ARGB pixel is, inverted: 0 is the light ground, 1 is the dark digit. */
internal fun brightness(pixels: IntArray) =
    FloatArray(pixels.size) { ((255 - gray(pixels[it])) / 255).toFloat() }

private fun gray(pixel: Int): Double {
    val red = pixel shr 16 and 0xFF
    val green = pixel shr 8 and 0xFF
    val blue = pixel and 0xFF
    return 0.299 * red + 0.587 * green + 0.114 * blue
}

/** A network whose input and output are float32: FloatClassifier.java in Kotlin. */
internal class KotlinClassifier(model: ByteBuffer) : Classifier {
    // [interpreter]
    private val interpreter = Interpreter(model)

    // [buffer]
    private val input =
        ByteBuffer.allocateDirect(interpreter.getInputTensor(0).numBytes())
            .order(ByteOrder.nativeOrder())

    // [output]
    private val labelProb = arrayOf(FloatArray(interpreter.getOutputTensor(0).shape()[1]))

    // [shape]
    override fun inputShape(): IntArray = interpreter.getInputTensor(0).shape()

    // [run]
    override fun classify(picture: FloatArray): FloatArray {
        input.rewind()
        picture.forEach(input::putFloat)
        input.rewind()
        interpreter.run(input, labelProb)
        return labelProb[0].copyOf()
    }

    // [rank]
    /** Returns the labels, the most probable one first. */
    fun ranking(labelProb: FloatArray): List<Int> =
        labelProb.indices.sortedByDescending { labelProb[it] }

    // [end]
    override fun close() = interpreter.close()
}
