import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * Serves the MongoDB protocol from memory on 127.0.0.1, on the port given as the only argument or a free one.
 *
 * <p>Prints {@code listening on 127.0.0.1:PORT} once it accepts connections, and ends when its standard input closes, so
 * that a test run that dies leaves no process behind.
 */
public final class StandIn {

    /** The oldest version that current drivers accept: the backend's own 5.0 still announces wire version 8. */
    private static final class Version implements MongoVersion {
        @Override
        public List<Integer> getVersionArray() {
            return List.of(5, 0, 0);
        }

        @Override
        public int getWireVersion() {
            return 13;
        }
    }

    public static void main(String[] arguments) throws IOException {
        System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "error");
        int port = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 0;
        MongoServer server = new MongoServer(new IndexedBackend().version(new Version()));
        server.bind(new InetSocketAddress("127.0.0.1", port));
        System.out.println("listening on 127.0.0.1:" + server.getLocalAddress().getPort());
        while (System.in.read() >= 0) {}
        // Not an orderly shutdown: nothing is kept, and open connections would delay it.
        Runtime.getRuntime().halt(0);
    }
}
