import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.backend.memory.index.MemoryUniqueIndex;
import de.bwaldvogel.mongo.bson.Document;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The memory backend, but indexes serve more filters, as in MongoDB: unique ones those that say more than their fields,
 * and others are there at all.
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

        @Override
        protected Index<Integer> openOrCreateSecondaryIndex(
                String collection, String name, List<IndexKey> keys, boolean sparse) {
            return new FieldIndex(name, keys, sparse);
        }
    }

    /** Finds the documents that may match; the backend then compares them with the whole filter. */
    private static final class UniqueIndex extends MemoryUniqueIndex {
        UniqueIndex(String name, List<IndexKey> keys, boolean sparse) {
            super(name, keys, sparse);
        }

        @Override
        public boolean canHandle(Document filter) {
            Document conditions = ofKeys(filter);
            return super.canHandle(conditions) || wanted(conditions) != null;
        }

        @Override
        public Iterable<Integer> getPositions(Document filter) {
            Document conditions = ofKeys(filter);
            Collection<?> wanted = wanted(conditions);
            if (wanted == null) {
                return super.getPositions(conditions);
            }
            Set<Integer> found = new LinkedHashSet<>();
            for (Object value : wanted) {
                Document one = conditions.clone();
                one.put(keys().get(1), value);
                super.getPositions(one).forEach(found::add);
            }
            return found;
        }

        /** Where the filter names one value of the first of two fields and several of the second: those. */
        private Collection<?> wanted(Document conditions) {
            if (keys().size() == 2
                    && FieldIndex.isPlain(conditions.get(keys().get(0)))
                    && conditions.get(keys().get(1)) instanceof Document second
                    && second.size() == 1
                    && second.get("$in") instanceof Collection<?> values
                    && values.stream().allMatch(FieldIndex::isPlain)) {
                return values;
            }
            return null;
        }

        /** The conditions on this index's fields, {@code {$eq: value}} as the value itself. */
        private Document ofKeys(Document whole) {
            Document filter = FieldIndex.flat(whole);
            Document conditions = new Document();
            for (String key : keys()) {
                if (filter.containsKey(key)) {
                    conditions.put(key, FieldIndex.plain(filter.get(key)));
                }
            }
            return conditions;
        }
    }
}
