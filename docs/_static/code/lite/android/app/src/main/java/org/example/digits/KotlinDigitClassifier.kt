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
    FloatArray(pixels.size) { ((255 - grey(pixels[it])) / 255).toFloat() }

private fun grey(pixel: Int): Double {
    val red = pixel shr 16 and 0xFF
    val green = pixel shr 8 and 0xFF
    val blue = pixel and 0xFF
    return 0.299 * red + 0.587 * green + 0.114 * blue
}

/** Reads a handwritten digit: DigitClassifier.java in Kotlin. */
internal class KotlinDigitClassifier(model: ByteBuffer) : AutoCloseable {
    // [buffer]
    private val input =
        ByteBuffer.allocateDirect(Float.SIZE_BYTES * 1 * 28 * 28 * 1)
            .order(ByteOrder.nativeOrder())

    // [output]
    private val labelProb = Array(1) { FloatArray(10) }

    // [interpreter]
    private val interpreter = Interpreter(model)

    // [run]
    /** Returns ten probabilities for 28 x 28 values from 0 to 1, light digit on dark. */
    fun classify(picture: FloatArray): FloatArray {
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
