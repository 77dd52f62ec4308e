package org.example.digits

import android.content.res.AssetManager
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.FileChannel
import org.tensorflow.lite.Interpreter

// [plain]
/** The shortest way from a picture to probabilities; the app uses a Classifier. */
internal fun classifyPlainly(assets: AssetManager, picture: FloatArray): FloatArray {
    val asset = assets.openFd("model.tflite")
    val file = FileInputStream(asset.fileDescriptor).channel
    val model = file.map(FileChannel.MapMode.READ_ONLY, asset.startOffset, asset.declaredLength)
    val input =
        ByteBuffer.allocateDirect(Float.SIZE_BYTES * picture.size).order(ByteOrder.nativeOrder())
    input.asFloatBuffer().put(picture)
    val interpreter = Interpreter(model)
    val labelProb = arrayOf(FloatArray(interpreter.getOutputTensor(0).shape()[1]))
    interpreter.run(input, labelProb)
    return labelProb[0]
}
