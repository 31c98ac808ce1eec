import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.backend.memory.index.MemoryUniqueIndex;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.bson.ObjectId;
import java.util.List;

/**
 * The memory backend, but a unique index also serves filters that say more than its fields, as in MongoDB.
 *
 * <p>The backend's own index only serves filters that name exactly its fields, so that {@code {_id: 1, seq: {$lt: 5}}}
 * and {@code {_id: {$eq: 1}}} read the whole collection.
 */
final class IndexedBackend extends MemoryBackend {

    @Override
    public MemoryDatabase openOrCreateDatabase(String name) {
        return new Database(name, getCursorRegistry());
    }

    private static final class Database extends MemoryDatabase {
        Database(String name, CursorRegistry cursors) {
            super(name, cursors);
        }

        @Override
        protected Index<Integer> openOrCreateUniqueIndex(
                String collection, String name, List<IndexKey> keys, boolean sparse) {
            return new UniqueIndex(name, keys, sparse);
        }
    }

    /** Finds the documents that may match; the backend then compares them with the whole filter. */
    private static final class UniqueIndex extends MemoryUniqueIndex {
        UniqueIndex(String name, List<IndexKey> keys, boolean sparse) {
            super(name, keys, sparse);
        }

        @Override
        public boolean canHandle(Document filter) {
            return super.canHandle(ofKeys(filter));
        }

        @Override
        public Iterable<Integer> getPositions(Document filter) {
            return super.getPositions(ofKeys(filter));
        }

        /** The conditions on this index's fields, {@code {$eq: value}} as the value itself. */
        private Document ofKeys(Document filter) {
            Document conditions = new Document();
            for (String key : keys()) {
                if (filter.containsKey(key)) {
                    conditions.put(key, plain(filter.get(key)));
                }
            }
            return conditions;
        }

        private static Object plain(Object condition) {
            if (condition instanceof Document operators && operators.size() == 1) {
                Object value = operators.get("$eq");
                if (value instanceof String || value instanceof Number || value instanceof ObjectId) {
                    return value;
                }
            }
            return condition;
        }
    }
}
